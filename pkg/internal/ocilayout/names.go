package ocilayout

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// names finds the entries of index.json by what they are asked for, so that one
// look-up costs the same however many entries there are. It does not change
// after it was made.
type names struct {
	digests map[ref.Digest]ref.Descriptor // the first of each
	exact   map[string]match              // by the whole name
	full    map[string]match              // by canonical repository and tag
	tags    map[string]match              // by the tag of a full name
	cosign  map[string]ref.Descriptor     // by the tag that cosign would have given
	hint    string                        // what could have been asked for, in brackets; "" if nothing
}

// A match is the entry of a name.
type match struct {
	entry ref.Descriptor
	other ref.Digest // of a further entry of this name; "" if there is none
}

func newNames(entries []ref.Descriptor) names {
	n := names{
		digests: map[ref.Digest]ref.Descriptor{}, exact: map[string]match{}, full: map[string]match{}, tags: map[string]match{},
		cosign: cosignKinds(entries), hint: hintOf(entries),
	}
	for _, d := range entries {
		if _, twice := n.digests[d.Digest]; !twice {
			n.digests[d.Digest] = d
		}
		for _, name := range []string{d.Annotations[annotationRefName], d.Annotations[annotationContainerdName]} {
			if name == "" {
				continue
			}
			note(n.exact, name, d)
			if r, err := ref.Parse(name); err == nil {
				note(n.full, fullName(r.Canonical(), cmp.Or(r.Tag, "latest")), d)
				note(n.tags, r.Tag, d)
			}
		}
	}
	return n
}

// note adds an entry. Several entries for the same digest are one image with
// several names.
func note(to map[string]match, name string, d ref.Descriptor) {
	m, known := to[name]
	switch {
	case !known:
		to[name] = match{entry: d}
	case m.other == "" && m.entry.Digest != d.Digest:
		m.other = d.Digest
		to[name] = m
	}
}

func fullName(repository, tag string) string { return repository + ":" + tag }

// hintOf lists some of the names.
func hintOf(entries []ref.Descriptor) string {
	const most = 8
	var list []string
	for _, d := range distinct(entries, func(d ref.Descriptor) bool { return !belongsToAnother(d) }) {
		if len(list) == most {
			list = append(list, "…")
			break
		}
		name := string(d.Digest)
		if n := d.Annotations[annotationRefName]; n != "" {
			name = fmt.Sprintf("%.200q", n)
		}
		list = append(list, name)
	}
	if len(list) == 0 {
		return ""
	}
	return " (there: " + strings.Join(list, ", ") + ")"
}
