package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/verify/trustroot"
)

func TestNotesOnTrustRoots(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	good, _ := trustroot.Embedded()
	const open = `"start": "2022-04-13T20:06:15.000Z"`
	old := bytes.ReplaceAll(good, []byte(open), []byte(open+`, "end": "2024-01-01T00:00:00.000Z"`))
	notes := endedRoots([]policy.Root{{Name: "good.json", JSON: good}, {Name: "old.json", JSON: old}, {Name: "bad.json", JSON: []byte("{}")}}, now)
	if len(notes) != 2 || !strings.Contains(notes[0], `"old.json" ended on 2024-01-01`) || !strings.Contains(notes[1], `"bad.json"`) {
		t.Errorf("%q", notes)
	}
	for source, want := range map[string]string{trustroot.FromTUF: "", trustroot.FromCache: "copy", trustroot.FromEmbedded: "built in"} {
		if got := sourceOf(trustroot.Info{Source: source}); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", source, got)
		}
	}
}
