package lock

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

const header = "intact.lock v1"

// Format writes l. The same entries are the same bytes.
func (l *Lock) Format() []byte {
	var b bytes.Buffer
	b.WriteString(header + "\n")
	for _, e := range l.Entries() {
		b.Write(e.line())
	}
	return b.Bytes()
}

func (e Entry) line() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s %s %s", e.Ref(), e.Digest, e.Class, e.TagClass, e.Since.UTC().Format(time.DateOnly))
	platforms := slices.Clone(e.Platforms)
	slices.SortFunc(platforms, func(a, b Platform) int { return strings.Compare(a.Platform, b.Platform) })
	for _, p := range platforms {
		fmt.Fprintf(&b, " %s=%s", p.Platform, p.Manifest)
	}
	for _, w := range e.Was {
		fmt.Fprintf(&b, " was=%s@%s", w.Digest, w.Since.UTC().Format(time.DateOnly))
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Parse reads a lock file strictly: a line that it does not understand is an
// error that names it, since what a lock does not say is not checked.
func Parse(b []byte) (*Lock, error) {
	lines := strings.Split(string(b), "\n")
	if lines[0] != header {
		return nil, parseError(1, fmt.Errorf("it begins with %q, not with %q", clip(lines[0]), header))
	}
	if lines[len(lines)-1] != "" {
		return nil, parseError(len(lines), errors.New("the last line does not end: the file is cut short"))
	}
	l := &Lock{entries: map[string]Entry{}}
	last := ""
	for i, line := range lines[1 : len(lines)-1] {
		e, err := parseLine(line)
		switch {
		case err != nil:
			return nil, parseError(i+2, err)
		case e.Ref() == last:
			return nil, parseError(i+2, fmt.Errorf("%s stands there twice: a merge left both; run intact lock again", last))
		case e.Ref() < last:
			return nil, parseError(i+2, fmt.Errorf("%s is out of order", e.Ref()))
		}
		last = e.Ref()
		l.entries[last] = e
	}
	return l, nil
}

func parseError(line int, err error) error {
	return fmt.Errorf("parse %s, line %d: %w", Name, line, err)
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

func parseLine(line string) (Entry, error) {
	fields := strings.Split(line, " ")
	if len(fields) < 5 {
		return Entry{}, fmt.Errorf("%q has %d of at least 5 fields", clip(line), len(fields))
	}
	r, err := ref.Parse(fields[0])
	switch {
	case err != nil:
		return Entry{}, err
	case r.Tag == "" || r.Digest != "" || r.Canonical() != r.Name:
		return Entry{}, fmt.Errorf("%q is no canonical reference with a tag alone", fields[0])
	}
	e := Entry{Name: r.Name, Tag: r.Tag, Class: fact.Class(fields[2]), TagClass: ref.Class(fields[3])}
	if e.Digest, err = ref.ParseDigest(fields[1]); err != nil {
		return e, err
	}
	if !slices.Contains([]fact.Class{fact.ClassImage, fact.ClassIndex, fact.ClassAttestation, fact.ClassArtifact}, e.Class) {
		return e, fmt.Errorf("%q is no class of a manifest", fields[2])
	}
	if e.TagClass != ref.Fixed && e.TagClass != ref.Floating {
		return e, fmt.Errorf("%q is no class of a tag", fields[3])
	}
	if e.Since, err = parseDay(fields[4]); err != nil {
		return e, err
	}
	for _, f := range fields[5:] {
		if err := e.parseField(f); err != nil {
			return e, err
		}
	}
	return e, nil
}

func (e *Entry) parseField(f string) error {
	key, value, ok := strings.Cut(f, "=")
	if !ok {
		return fmt.Errorf("%q is neither a platform nor a past digest", clip(f))
	}
	if key == "was" {
		text, day, _ := strings.Cut(value, "@")
		d, err := ref.ParseDigest(text)
		if err != nil {
			return err
		}
		since, err := parseDay(day)
		if err != nil {
			return err
		}
		if e.Was = append(e.Was, Past{d, since}); len(e.Was) > maxWas {
			return fmt.Errorf("more than %d past digests", maxWas)
		}
		return nil
	}
	p, err := ref.ParsePlatform(key)
	if err != nil {
		return err
	}
	d, err := ref.ParseDigest(value)
	if err != nil {
		return err
	}
	if len(e.Was) > 0 || len(e.Platforms) > 0 && e.Platforms[len(e.Platforms)-1].Platform >= p.String() {
		return fmt.Errorf("platform %q is out of order", key)
	}
	e.Platforms = append(e.Platforms, Platform{p.String(), d})
	return nil
}

func parseDay(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("%q is no day such as 2026-11-20", clip(s))
	}
	return t, nil
}
