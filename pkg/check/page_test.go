package check_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func TestPage(t *testing.T) {
	t.Parallel()
	c := valid()
	c.Scopes = []check.Scope{check.ScopeImage, check.ScopePlatform}
	c.Needs, c.Uses, c.Images = []fact.Kind{fact.KLayers}, []fact.Kind{fact.KUser}, true
	want := `# CHK001: tag moves

a

## Why it matters

b

## Evidence

Evaluated for each image index and each platform of an image. Images only: not applicable to other artifacts.

It cannot pass without:

- the bytes of the layers (` + "`layers`" + `)

It also reads, where known:

- the effective user, looked up in the image's passwd and group files (` + "`user`" + `)

## Example

` + "```text\nFAIL CHK001\n```" + `

## Fix

c

## What it cannot see

d

## Since

2026-11
`
	if d := cmp.Diff(want, string(check.Page(c, "FAIL CHK001\n"))); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
	if page := string(check.Page(c, "")); strings.Contains(page, "Example") {
		t.Errorf("a page without an example has a section for it:\n%s", page)
	}
}

// Every fact and scope has words: a page never shows an empty one.
func TestPage_has_words_for_everything(t *testing.T) {
	t.Parallel()
	for _, k := range fact.Kinds() {
		c := valid()
		c.Needs = []fact.Kind{k}
		if strings.Contains(string(check.Page(c, "")), "-  (") {
			t.Errorf("no words for the fact %s", k)
		}
	}
	for _, s := range check.Scopes() {
		c := valid()
		c.Scopes = []check.Scope{s}
		if strings.Contains(string(check.Page(c, "")), "Evaluated for .") {
			t.Errorf("no words for the scope %s", s)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b, a := valid(), valid()
	b.ID, a.ID = "BBB001", "AAA001"
	pages := check.Pages([]check.Check{b, a}, func(c check.Check) string { return c.ID + " failed" })
	names := slices.Sorted(maps.Keys(pages))
	if d := cmp.Diff([]string{"AAA001.md", "BBB001.md", "README.md"}, names); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
	index := string(pages["README.md"])
	if first, second := strings.Index(index, "[BBB001]"), strings.Index(index, "[AAA001]"); first < 0 || second < first {
		t.Errorf("the index does not keep the order of the checks:\n%s", index)
	}
	if !strings.Contains(string(pages["AAA001.md"]), "AAA001 failed") {
		t.Errorf("no example:\n%s", pages["AAA001.md"])
	}
}

func TestOutcome_text(t *testing.T) {
	t.Parallel()
	for _, o := range check.Outcomes() {
		text, err := o.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back check.Outcome
		if err := back.UnmarshalText(text); err != nil || back != o {
			t.Errorf("%s reads back as %s, %v", o, back, err)
		}
	}
	var o check.Outcome
	if err := o.UnmarshalText([]byte("fine")); err == nil {
		t.Error("an outcome that does not exist was read")
	}
	if got := check.Outcome(99).String(); got != "undecided" {
		t.Errorf("an outcome that does not exist is %s, want undecided", got)
	}
}
