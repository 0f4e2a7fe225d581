package compose

import "github.com/intact-dev/intact/pkg/internal/lazy"

// maxVariables bounds what the variables of one file grow to: each can be made
// of two of the one before it.
const maxVariables = 1 << 20

var (
	assigns = lazy.Regexp(`([A-Za-z_]\w*)[ \t]*[=:]`)
	refers  = lazy.Regexp(`\$\{?([A-Za-z_]\w*)`)
)

// grows reports whether a file of variables may say more than maxVariables. The
// library puts variables in while it reads, so it is estimated before. Where a
// statement ends is only known to the library: what could be one of another
// variable in the same lines may be as large as all before it.
func grows(data []byte) bool {
	somewhere := names(data)
	sizes := map[string]int{}
	starts := assignment().FindAllSubmatchIndex(data, -1)
	for i, m := range starts {
		end := len(data)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		name, value := string(data[m[2]:m[3]]), data[m[5]:end]
		inside := names(value)
		size := len(value)
		for _, r := range refers().FindAllSubmatch(value, -1) {
			other := string(r[1])
			known, ok := sizes[other]
			switch {
			case inside[other], !ok && somewhere[other], other == name && len(inside) > 0:
				size *= 2
			default:
				size += known
			}
			if size > maxVariables {
				return true
			}
		}
		sizes[name] = max(size, sizes[name])
	}
	return false
}

// names are those that stand before an equals sign or a colon.
func names(data []byte) map[string]bool {
	out := map[string]bool{}
	for _, m := range assigns().FindAllSubmatch(data, -1) {
		out[string(m[1])] = true
	}
	return out
}
