package main

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/verify/trustroot"
	"github.com/urfave/cli/v2"
)

// The root of an hour ago counts if there is nothing newer, until it expires.
func TestTheLastRootCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.Bool("no-cache", true, "")
	c := cli.NewContext(cli.NewApp(), flags, nil)
	tuf := trustroot.Info{Source: trustroot.FromTUF, At: now, Expires: now.Add(time.Hour)}
	old := trustroot.Info{Source: trustroot.FromEmbedded, At: now.Add(-999 * time.Hour), Expires: now.Add(-99 * time.Hour), Why: "no network"}
	for name, tt := range map[string]struct {
		kept   trustroot.Info
		body   string
		got    trustroot.Info
		err    error
		want   string // "" = an error
		source string
	}{
		"fresh":            {tuf, "new", trustroot.Info{Source: trustroot.FromTUF, At: now.Add(1), Expires: now.Add(2 * time.Hour)}, nil, "new", trustroot.FromTUF},
		"none was had yet": {trustroot.Info{}, "built in", old, nil, "built in", trustroot.FromEmbedded},
		"no network":       {tuf, "built in", old, nil, "kept", trustroot.FromCache},
		"expired there":    {tuf, "", trustroot.Info{}, trustroot.ErrExpired, "kept", trustroot.FromCache},
		"expired in between": {trustroot.Info{Source: trustroot.FromTUF, At: now.Add(-2 * time.Hour), Expires: now.Add(-time.Hour)}, "", trustroot.Info{},
			trustroot.ErrExpired, "", ""},
	} {
		last := &publicTrust{info: tt.kept}
		if !tt.kept.At.IsZero() {
			last.body = []byte("kept")
		}
		p := publicTrust{last: last, fetch: func(context.Context, trustroot.Options) ([]byte, trustroot.Info, error) {
			return []byte(tt.body), tt.got, tt.err
		}}
		b, info, err := p.get(t.Context(), c)
		if (err == nil) != (tt.want != "") || string(b) != tt.want || info.Source != tt.source {
			t.Errorf("%s: %q, %+v, %v", name, b, info, err)
		}
		if err == nil && (string(last.body) != tt.want || !last.info.At.Equal(info.At)) {
			t.Errorf("%s: kept is %q of %+v", name, last.body, last.info)
		}
	}
}

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
