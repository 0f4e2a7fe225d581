package checks

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// notWritten says why the rules about how references are written do not apply.
func notWritten(s *fact.Set) string {
	r := s.Reference
	switch {
	case r.State != fact.Known:
		return ""
	case r.V.Local:
		return "not read from a registry"
	case r.V.Kind == ref.KindAction, r.V.Kind == ref.KindMachineImage:
		return "kind " + string(r.V.Kind)
	}
	return ""
}

// pushed is notWritten for rules that a tag cannot break which is judged itself,
// because it was pushed: no reference by it was seen.
func pushed(s *fact.Set) string {
	if r := s.Reference; r.State == fact.Known && r.V.Origin.Kind == "event" {
		return "a tag that was pushed, not a reference to it"
	}
	return notWritten(s)
}

// notTold is the answer to a single value that is Absent though the check
// cannot do without it.
func notTold(why string) check.Answer { return check.Answer{NotApplicable: why} }

// undecided is the answer of a Run that could not tell.
func undecided(c fact.Cause, format string, args ...any) check.Answer {
	return check.Answer{Undecided: true, Cause: c, Why: fmt.Sprintf(format, args...)}
}

// isFixed reports whether the tag of r is meant to stay.
func isFixed(r fact.Reference) bool {
	class := r.Class
	if class == "" {
		class = ref.ClassOf(r.Ref.Tag)
	}
	return class == ref.Fixed
}

func originOf(r fact.Reference) *ref.Origin {
	if r.Origin == (ref.Origin{}) {
		return nil
	}
	o := r.Origin
	return &o
}

// pinnedForm is how to write the reference of s with its digest.
func pinnedForm(s *fact.Set) string {
	r := s.Reference.V.Ref
	if v := s.Resolution; v.State == fact.Known && v.V.Digest != "" {
		r.Digest = v.V.Digest
		return "write " + r.String()
	}
	return fmt.Sprintf("add the digest of the image that is meant: %s@sha256:…", r)
}

// mutable are the consequences of a reference that can come to mean something
// else.
func mutable() []string {
	return []string{
		"a restart or a new node may run other bytes",
		"replicas of one workload may run different bytes",
	}
}
