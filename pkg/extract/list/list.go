// Package list reads texts with one reference a line, as release tools and
// mirrors write them: images.txt.
package list

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads lists. A # begins a comment, alone on its line or behind a
// space. The zero value is ready for use.
type Extractor struct{}

// Match implements [extract.Extractor]: a text whose name speaks of images, and of
// whose first lines most are references that have a tag, a digest or a path. The
// others are unresolved.
func (Extractor) Match(p string, head []byte) bool {
	name := strings.ToLower(path.Base(p))
	switch path.Ext(name) {
	case ".txt", ".list", ".lst", ".images", "":
	default:
		return false
	}
	if !strings.Contains(name, "image") {
		return false
	}
	if yamlpos.UTF16(head) {
		return true
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if len(head) >= extract.HeadSize-3 {
		if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
			head = head[:i] // the last line may be cut
		}
	}
	good, bad := 0, 0
	for line := range bytes.Lines(head) {
		text, _ := reference(string(line))
		if text == "" {
			continue
		}
		if _, err := ref.Parse(text); err != nil || !strings.ContainsAny(text, "/:") {
			bad++
			continue
		}
		good++
	}
	return good > 0 && good >= bad
}

// Extract implements [extract.Extractor].
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	f, err := yamlpos.Open(data)
	if err != nil {
		return extract.Result{}, fmt.Errorf("read %q: %w", p, err)
	}
	return extract.Result{Found: read(f, p)}, nil
}

func read(f *yamlpos.File, p string) []extract.Found {
	var out []extract.Found
	var above []extract.Ignore // comments on the lines before
	number, at := 0, 0
	for line := range bytes.Lines(f.Text()) {
		start := at
		at += len(line)
		number++
		text, comment := reference(string(line))
		ignore, ok := yamlpos.ParseIgnore(comment)
		ignore.Line = number
		if text == "" {
			if !ok {
				above = nil
			} else {
				above = append(above, ignore)
			}
			continue
		}
		if ok {
			above = append(above, ignore)
		}
		start += bytes.Index(line, []byte(text))
		found := extract.Found{Raw: text, Kind: ref.KindImage, Ignored: above,
			Origin: ref.Origin{Kind: "file", Where: p, Line: number, Column: start - (at - len(line)) + 1}}
		above = nil
		r, err := ref.Parse(text)
		if err != nil {
			found.Unresolved = "one reference is expected on a line: " + err.Error()
		} else {
			found.Ref = r
			if from, to, ok := f.Span(start, start+len(text)); ok {
				found.Site = &extract.Site{File: p, Start: from, End: to, Style: extract.StyleReference}
			}
		}
		out = append(out, found)
	}
	return out
}

// reference cuts the comment off a line.
func reference(line string) (text, comment string) {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line, comment = line[:i], line[i+1:]
			break
		}
	}
	return strings.TrimSpace(line), strings.TrimSpace(comment)
}
