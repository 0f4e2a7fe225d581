package report

import "strings"

// Key names what a target is about in words that stay the same when the image
// behind it changes or the file around it grows: kind, reference without its
// digest, the files or workloads that hold it, container.
func Key(t Target) string {
	name, _, _ := strings.Cut(t.Ref, "@")
	parts := []string{string(t.Kind), name, t.Container}
	for o := range t.Origins.All() {
		where := o.Where
		if n := len(parts); parts[n-1] != where {
			parts = append(parts, where)
		}
	}
	return strings.Join(parts, "\x00")
}
