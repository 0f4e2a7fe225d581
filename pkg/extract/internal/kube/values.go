package kube

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// values reads what looks like images in the values of a chart: a text in a field
// that is called image, and a mapping of repository and tag. key is what n is
// the value of.
func (w *walk) values(n yamlpos.Node, key string) {
	if n.IsList() {
		w.each(n, func(e yamlpos.Node) { w.values(e, "") })
		return
	}
	if !n.IsMap() {
		return
	}
	some := !n.Get("tag").IsZero() || !n.Get("digest").IsZero() || !n.Get("registry").IsZero()
	if r := n.Get("repository"); r.String() != "" && (some || imageKey(key)) || imageKey(key) && some && r.String() == "" {
		w.add(w.imageValues(n))
		return
	}
	for k, v := range n.Fields() {
		name := k.String()
		w.in(func() {
			if text, ok := v.Text(); !ok {
				w.values(v, name)
			} else if _, isBool := v.Bool(); imageKey(name) && text != "" && !isBool && !v.Number() {
				w.imageText(n, v, name)
			}
		}, name)
	}
}

// imageKey reports whether values are called so that are images.
func imageKey(key string) bool { return strings.HasSuffix(strings.ToLower(key), "image") }

// imageValues reads registry, repository or name, tag and digest.
func (w *walk) imageValues(n yamlpos.Node) (extract.Found, bool) {
	at := w.at()
	p := parts{registry: n.Get("registry"), name: n.Get("repository"), tag: n.Get("tag"), digest: n.Get("digest"),
		missing: "the value " + at + ".tag is not set: the chart's own counts"}
	for _, other := range []string{"name", "image"} {
		if p.name.String() == "" {
			p.name = n.Get(other)
		}
	}
	if p.tag.String() == "" && p.digest.String() == "" && p.name.String() == "" {
		return extract.Found{}, false
	}
	return w.composed(p, ref.KindImage)
}

// imageText reads a text, and a tag that stands beside it.
func (w *walk) imageText(beside, v yamlpos.Node, name string) {
	f, ok := w.reference(v, ref.KindImage)
	if f.Unresolved == "" && f.Ref.Tag == "" && f.Ref.Digest == "" {
		for _, key := range []string{name + "Tag", "tag"} {
			if tag := beside.Get(key); tag.String() != "" {
				w.add(w.composed(parts{name: v, tag: tag}, ref.KindImage))
				return
			}
		}
	}
	w.add(f, ok)
}

// Values reads what looks like images in the values of a chart.
func Values(file string, n yamlpos.Node) []extract.Found {
	w := &walk{reader: &Reader{}, file: file}
	w.values(n, "")
	return Found(w.images)
}
