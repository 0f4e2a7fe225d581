package yamlrefs

import (
	"regexp"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// maxText bounds a text that something is put into, and what comes of it; a
// reference has less than 600 bytes.
const maxText = 4096

// Substitute puts values in place of what pattern matches in t. value gets the
// match and its groups. The text of a value that is not known is as it is
// written; nothing behind it is looked at.
func Substitute(t written.Text, pattern *regexp.Regexp, value func(match []string) written.Value) written.Value {
	s := t.String()
	if len(s) > maxText {
		return written.Unknown(t, "it is too long for a reference")
	}
	var out written.Builder
	at, size := 0, 0
	for _, m := range pattern.FindAllStringSubmatchIndex(s, -1) {
		groups := make([]string, 0, len(m)/2)
		for i := 0; i < len(m); i += 2 {
			group := ""
			if m[i] >= 0 {
				group = s[m[i]:m[i+1]]
			}
			groups = append(groups, group)
		}
		v := value(groups)
		if v.Unresolved != "" {
			return written.Unknown(t, "%s", v.Unresolved)
		}
		if size += v.Text.Len(); size > maxText {
			return written.Unknown(t, "with its values it is too long for a reference")
		}
		out.Add(t.Slice(at, m[0]))
		out.Add(v.Text)
		at = m[1]
	}
	out.Add(t.Slice(at, len(s)))
	return written.Known(out.Text())
}
