package notify

import (
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// How much of a happening goes into a message for people, before it is escaped.
// All of it stays in the list of events.
const (
	maxTitle   = 400
	maxSubject = 400
	maxLine    = 500
	maxLines   = 30
)

// A label is one small fact about a happening.
type label struct{ name, value string }

// labels are what people want to know beside title and lines. Values are not
// escaped.
func labels(h happening.Happening) []label {
	var out []label
	add := func(name, value string) {
		if value != "" {
			out = append(out, label{name, value})
		}
	}
	switch h.Type {
	case happening.ImageJudged, happening.RunningChanged:
		add("verdict", h.Verdict.String())
		add("before", h.Was)
	}
	add("digest", string(h.Digest))
	if h.Before != h.Digest {
		add("digest before", string(h.Before))
	}
	add("because of", h.Cause)
	add("report", h.Report)
	if !h.At.IsZero() {
		add("at", h.At.UTC().Format(time.RFC3339))
	}
	return out
}

// shown returns the lines to show, and how many are left out.
func shown(lines []string) ([]string, int) {
	if len(lines) <= maxLines {
		return lines, 0
	}
	return lines[:maxLines], len(lines) - maxLines
}

func moreLines(n int) string {
	if n == 1 {
		return "and 1 more line"
	}
	return fmt.Sprintf("and %d more lines", n)
}
