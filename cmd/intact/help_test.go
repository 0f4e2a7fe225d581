package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args, usage, err string
	}{
		{"--help", "intact COMMAND", ""},
		{"-h", "intact COMMAND", ""},
		{"help", "intact COMMAND", ""},
		{"help help", "intact COMMAND", ""},
		{"--help --help", "intact COMMAND", ""},
		{"--help scan", "intact scan [flags] IMAGE", ""},
		{"scan --help", "intact scan [flags] IMAGE", ""},
		{"help scan", "intact scan [flags] IMAGE", ""},
		{"scan --help alpine", "intact scan [flags] IMAGE", ""},
		{"scan alpine:3 -h --policy strict", "intact scan [flags] IMAGE", ""},
		{"policy --help", "intact policy", ""},
		{"policy help", "intact policy", ""},
		{"policy help lint", "intact policy lint", ""},
		{"help policy lint", "intact policy lint", ""},
		{"policy lint --help x", "intact policy lint", ""},
		{"nope --help", "", `unknown command "nope"`},
		{"help nope", "", `unknown command "nope"`},
		{"policy nope --help", "", `unknown command "policy nope"`},
		// These are an image, and files.
		{"scan --depth x h", "", "unknown depth"},
		{"scan --depth x help", "", "unknown depth"},
		{"scan -- --help", "", `parse reference "--help"`},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), program{args: append([]string{"intact"}, strings.Fields(tt.args)...),
			env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
		if tt.err == "" && (code != 0 || !strings.Contains(out.String(), "USAGE:\n   "+tt.usage) || errs.Len() > 0) {
			t.Errorf("%s: %d\n%s%s", tt.args, code, out.String(), errs.String())
		}
		if tt.err != "" && (code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), tt.err)) {
			t.Errorf("%s: %d\n%s%s", tt.args, code, out.String(), errs.String())
		}
	}
}

// The race detector sees what runs of one process share.
func TestRunsOfOneProcessShareNothing(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"policy lint", "policy lint strict", "scan --help", "checks", "help", "scan", "version"} {
		for range 2 {
			t.Run(args, func(t *testing.T) {
				t.Parallel()
				for range 10 {
					var out, errs bytes.Buffer
					code := run(t.Context(), program{args: append([]string{"intact"}, strings.Fields(args)...),
						env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
					if code != 0 && code != exitUsage || out.Len()+errs.Len() == 0 {
						t.Errorf("%d\n%s%s", code, out.String(), errs.String())
					}
				}
			})
		}
	}
}
