package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Story is equal entries put together: the same words of one check about many
// places, or all checks that one lack keeps from being decided.
type Story struct {
	Checks   []string // of a finding one; "" = about the whole
	Decision policy.Decision
	Open     bool
	Accepted string
	Moot     string
	OfImage  bool // about content, wherever it is named

	Message      string
	Lines        []string
	Consequences []string
	Fixes        []string
	Platforms    []string
	// Places are never none: what stands nowhere has its name for a place.
	Places []Place
}

// Stories puts entries together and keeps their order.
func Stories(entries []Entry) []Story {
	at := map[string]int{}
	var out []Story
	for _, e := range entries {
		key := fmt.Sprint(e.rank(), "\x00", e.Open, e.OfImage, "\x00", e.Accepted, "\x00", e.Moot, "\x00", e.Message(), "\x00", strings.Join(e.Finding.Lines, "\x00"))
		if !e.Open {
			key += "\x00" + e.Check
		}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Story{Decision: e.Decision, Open: e.Open, Accepted: e.Accepted, Moot: e.Moot, OfImage: e.OfImage, Message: e.Message(), Lines: e.Finding.Lines})
		}
		s := &out[i]
		s.Checks = appendNew(s.Checks, e.Check)
		s.Platforms = appendNew(s.Platforms, e.Platform)
		s.Fixes = appendNew(s.Fixes, e.Finding.Fix)
		for _, so := range e.Finding.Consequences {
			s.Consequences = appendNew(s.Consequences, so)
		}
		if s.Places = append(s.Places, e.Places...); len(e.Places) == 0 {
			s.Places = append(s.Places, Place{Origin: ref.Origin{Where: e.Subject}, Container: e.Container, Count: 1})
		}
	}
	for i := range out {
		s := &out[i]
		slices.Sort(s.Checks)
		s.Places = onePlace(s.Places)
		slices.SortStableFunc(s.Places, func(a, b Place) int {
			return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Container, b.Container))
		})
	}
	return out
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
