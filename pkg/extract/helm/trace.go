package helm

import (
	"cmp"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// A hit is a candidate that an image is made of, and where in it; end is 0 if
// that is not known.
type hit struct {
	*candidate
	start, end int
	labels     bool // it is written into labels too, which can't hold a digest
}

// How often a chart is rendered to find where things come from, in each of three
// steps, and how many budgets that may take.
const (
	maxRenders = 40
	maxUsed    = 4
)

// trace says where images are written.
func (l *release) trace(images []image) {
	var raws []string
	for _, i := range images {
		raws = append(raws, i.Raw)
	}
	hits := make([][]hit, len(images))
	if len(images) > 0 {
		l.renders = 0
		l.group(images, l.candidates(raws), hits, suffix)
		for _, step := range []struct {
			empties []*candidate
			mark    string
		}{
			{l.empties(digestKey()), "sha256:1d6ac400000000000000000000000000000000000000000000000000%08d"},
			{l.empties(emptyTag()), "x-intact-%07d"},
		} {
			for i, c := range step.empties {
				c.mark = fmt.Sprintf(step.mark, i)
			}
			l.renders = 0
			l.group(images, step.empties, hits, whole)
		}
	}
	for i := range images {
		f := &images[i].Found
		f.Origin, f.Site, f.Related, f.Ignored = images[i].template.place(0), nil, nil, nil
		l.place(f, images[i].template, hits[i])
		l.found = append(l.found, *f)
	}
}

// group renders with all marks at once, and with fewer of them where that gives
// something else.
func (l *release) group(images []image, cs []*candidate, hits [][]hit, find func(plain, marked ref.Ref, was, is string, cs []*candidate) []hit) {
	if len(cs) == 0 || l.renders == maxRenders || l.used > maxUsed {
		return
	}
	l.renders++
	for i, c := range cs {
		c.id = i
	}
	r, budget, err := l.render(cs)
	l.used += budget.Used()
	var now []image
	if err == nil {
		now = l.read(r, false)
	}
	if err != nil || !slices.EqualFunc(images, now, alike) {
		if len(cs) > 1 {
			l.group(images, cs[:len(cs)/2], hits, find)
			l.group(images, cs[len(cs)/2:], hits, find)
		}
		return
	}
	labels := inLabels(r)
	for i := range images {
		for _, h := range find(images[i].Ref, now[i].Ref, images[i].Raw, now[i].Raw, cs) {
			h.labels = strings.Contains(labels, h.shown())
			copied := *h.candidate
			h.candidate = &copied
			hits[i] = append(hits[i], h)
		}
	}
}

func (c *candidate) shown() string {
	if c.mark != "" {
		return c.mark
	}
	return fmt.Sprintf(markFormat, c.id)[1:]
}

func alike(a, b image) bool {
	return a.template == b.template && a.Container == b.Container && a.Origin.Path == b.Origin.Path
}

// suffix finds the marks behind the texts that an image is made of.
func suffix(_, _ ref.Ref, was, is string, cs []*candidate) []hit {
	var out []hit
	var text strings.Builder
	last := 0
	for _, m := range markForm().FindAllStringSubmatchIndex(is, -1) {
		text.WriteString(is[last:m[0]])
		last = m[1]
		n, err := strconv.Atoi(is[m[2]:m[3]])
		if err != nil || n >= len(cs) || cs[n].mark != "" {
			continue
		}
		out = append(out, hit{candidate: cs[n], start: text.Len() - len(cs[n].text), end: text.Len()})
	}
	text.WriteString(is[last:])
	for i := range out {
		h := &out[i]
		if text.String() != was || h.start < 0 || h.kind == kindAction || was[h.start:h.end] != h.text {
			h.start, h.end = 0, 0
		}
	}
	return out
}

// whole finds a mark that took the place of a tag, or came as a digest with the
// tag still there.
func whole(plain, marked ref.Ref, _, is string, cs []*candidate) []hit {
	if plain.Digest != "" || marked.Name != plain.Name {
		return nil
	}
	for _, c := range cs {
		if string(marked.Digest) == c.mark || marked.Digest == "" && marked.Tag == c.mark && strings.HasSuffix(is, c.mark) {
			// Its end says whether the tag stays.
			keeps := 0
			if marked.Tag == plain.Tag {
				keeps = len(is)
			}
			return []hit{{candidate: c, end: keeps}}
		}
	}
	return nil
}

// inLabels are the texts of all labels of what was rendered.
func inLabels(r *rendering) string {
	var b strings.Builder
	for _, text := range r.texts {
		f, err := yamlpos.Open([]byte(text))
		if err != nil {
			continue
		}
		for d := range f.Docs(nil) {
			if d == nil {
				continue
			}
			walk(d.Root(), nil, func(n yamlpos.Node, at []any) {
				if len(at) > 1 && (at[len(at)-2] == "labels" || at[len(at)-2] == "matchLabels") {
					b.WriteString(n.String() + "\n")
				}
			})
		}
	}
	return b.String()
}

// spans returns where the tag and the digest of a reference are in its text; the
// ends are 0 if it has none.
func spans(raw string) (tag, digest [2]int) {
	rest := raw
	if i := strings.IndexByte(raw, '@'); i >= 0 {
		rest, digest = raw[:i], [2]int{i + 1, len(raw)}
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') && i >= 0 {
		tag = [2]int{i + 1, len(rest)}
	}
	return tag, digest
}

// place says where f is written: the value or literal that holds it or its tag or
// digest, else the line of the template.
func (l *release) place(f *extract.Found, template *file, hits []hit) {
	at := l.choose(f, hits)
	var line *hit
	for i := range hits {
		if h := &hits[i]; h.kind == kindAction && (line == nil || h.file == template) {
			line = h
		}
	}
	if at == nil {
		at = line
	}
	if at == nil && len(hits) > 0 {
		at = &hits[len(hits)-1]
	}
	if at != nil {
		f.Origin, f.Ignored = at.origin(), at.ignored()
		if at.kind == kindLiteral && f.Site != nil {
			f.Origin = at.file.place(f.Site.Start - len(at.file.was) + len(at.file.data))
		} else if f.Site != nil && f.Site.Style == extract.StyleReference {
			f.Origin.Column = at.origin().Column
		}
	} else if i := strings.Index(string(template.data), f.Raw); i >= 0 {
		f.Origin, f.Ignored = template.place(i), template.ignored(i)
	}
	if line == nil && (at == nil || at.file != template) {
		f.Related = append(f.Related, template.place(0))
	}
	for i := range hits {
		o := hits[i].origin()
		sameLine := func(p ref.Origin) bool { return p.Where == o.Where && p.Line == o.Line }
		if at != nil && o == at.origin() || compare(o, f.Origin) == 0 || slices.ContainsFunc(f.Related, sameLine) {
			continue
		}
		f.Related = append(f.Related, o)
		if o.Where != f.Origin.Where || o.Line != f.Origin.Line {
			for _, x := range hits[i].ignored() {
				if !slices.Contains(f.Ignored, x) {
					f.Ignored = append(f.Ignored, x)
				}
			}
		}
	}
	slices.SortStableFunc(f.Related, compare)
	if f.Origin.Path == "" && at == nil {
		f.Origin.Path = path.Base(template.name)
	}
}

// choose returns the hit that f would be changed in, and sets the site.
func (l *release) choose(f *extract.Found, hits []hit) *hit {
	tag, digest := spans(f.Raw)
	var tagged, version, empty, alone *hit
	for i := range hits {
		h := &hits[i]
		switch {
		case h.kind == kindAction:
		case h.mark != "":
			if empty == nil {
				empty = h
			}
		case h.end == 0:
		case h.start == 0 && h.end == len(f.Raw):
			if alone == nil || h.kind != kindVersion {
				alone = h
			}
		case digest[1] > 0 && h.start <= digest[0] && h.end == digest[1] || digest[1] == 0 && tag[1] > 0 && h.start <= tag[0] && h.end == tag[1]:
			if h.kind == kindVersion {
				version = h
			} else {
				tagged = h
			}
		}
	}
	resolved := f.Unresolved == ""
	site := func(h *hit, style extract.Style, from, to int) *hit {
		if resolved && !h.labels {
			f.Site = h.part(style, from, to)
		}
		return h
	}
	switch {
	case alone != nil:
		return site(alone, extract.StyleReference, 0, len(alone.text))
	// A digest in a field of its own that would take the place of the tag is left
	// to charts that have no value for the tag.
	case empty != nil && (empty.end > 0 || tagged == nil):
		if strings.HasPrefix(empty.mark, "sha256:") {
			return site(empty, extract.StyleDigest, 0, 0)
		}
		return site(empty, extract.StyleTag, 0, 0)
	case tagged == nil && version == nil:
		return nil
	}
	h := cmp.Or(tagged, version)
	switch {
	case digest[1] == 0:
		return site(h, extract.StyleTag, tag[0]-h.start, tag[1]-h.start)
	case tag[1] > 0 && h.start <= tag[0]:
		return site(h, extract.StyleTag, tag[0]-h.start, digest[1]-h.start)
	}
	return site(h, extract.StyleDigest, digest[0]-h.start, digest[1]-h.start)
}

func same(a, b extract.Found) bool { return reflect.DeepEqual(a, b) }
