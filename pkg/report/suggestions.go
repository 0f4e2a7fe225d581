package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteSuggestions writes the patches of r as one YAML stream.
func WriteSuggestions(w io.Writer, r *Report) error {
	var b strings.Builder
	for i, s := range r.Suggestions {
		if i > 0 {
			b.WriteString("---\n")
		}
		fmt.Fprintf(&b, "# %s\n%s", Escape(strings.TrimPrefix(s.Namespace+"/"+s.Kind+"/"+s.Name, "/")), s.Patch)
	}
	if len(r.Suggestions) == 0 {
		b.WriteString("# nothing to change: no workload was found that could run on a read-only root and does not\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write suggestions: %w", err)
	}
	return nil
}
