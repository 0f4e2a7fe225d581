package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Word is the verdict on the whole: "denied", "undecided" or "allowed".
func (r *Report) Word() string { return verdictWord(r.Verdict) }

// A Fingerprinter gives entries names that stay the same from run to run, so that
// what reads reports knows a finding again. The zero value is ready; it is not
// safe for concurrent use.
type Fingerprinter struct{ seen map[string]int }

// Of names e at p, which is the zero Place where it stands nowhere. The name
// rests on the check, the reference without its digest, the place without its
// line, and the path in the image; never on a digest or on words that hold one.
// Of several that are alike in all that the n-th is numbered.
func (f *Fingerprinter) Of(e Entry, p Place) string {
	parts := []string{e.Check, strconv.FormatBool(e.Open), string(e.Kind), e.Name, e.Container, e.Platform, p.Kind, p.Where, p.Path, p.Container}
	switch {
	case e.Finding.Dir != "":
		parts = append(parts, string(e.Finding.Dir))
	case len(e.Finding.Paths) > 0:
		parts = append(parts, string(e.Finding.Paths[0]))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	name := hex.EncodeToString(sum[:16])
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[name]++
	return name + ":" + strconv.Itoa(f.seen[name])
}

// Head is the most important words of a finding for a title: "REF001 no digest".
// titles are those of the checks by ID.
func Head(check string, titles map[string]string) string {
	if check == "" {
		return "not examined"
	}
	return strings.TrimSpace(check + " " + titles[check])
}
