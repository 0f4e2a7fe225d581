package main

import "errors"

// Exit codes. The format of the report never changes them.
const (
	exitAllowed   = 0 // allowed, with or without warnings
	exitDenied    = 1 // a finding that the policy denies, or a test that does not hold
	exitUsage     = 2 // usage or configuration
	exitUndecided = 3 // nothing is denied, but something was not examined
)

// An exitError ends the program with a code. A nil cause prints nothing: the
// report has said it.
type exitError struct {
	code  int
	cause error
	hint  string
}

func (e *exitError) Error() string {
	if e.cause == nil {
		return ""
	}
	return e.cause.Error()
}

func (e *exitError) Unwrap() error { return e.cause }

func usage(err error, hint string) error { return &exitError{code: exitUsage, cause: err, hint: hint} }

// codeOf maps an error to an exit code; errors of no known kind are usage
// errors, since everything that happens during a scan ends in its report.
func codeOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitAllowed
	case errors.As(err, &e):
		return e.code
	}
	return exitUsage
}
