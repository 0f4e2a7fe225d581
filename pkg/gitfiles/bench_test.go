package gitfiles_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/gitfiles"
)

// A range that touches one file of 10,000.
func BenchmarkRead(b *testing.B) {
	all := files{}
	for i := range 10_000 {
		all[fmt.Sprintf("apps/%02d/%04d.yaml", i%100, i)] = strings.ReplaceAll(pod, "web", fmt.Sprintf("web%d", i))
	}
	r := newRepo(b)
	r.history(all, all.with("apps/00/0000.yaml", strings.ReplaceAll(pod, "1.25", "1.26")))
	for b.Loop() {
		g, err := gitfiles.Open(b.Context(), r.dir, "HEAD~1")
		r.must(err)
		out, err := g.Read(b.Context(), []string{"."}, options)
		r.must(err)
		if len(out.Touched.Found) != 1 || out.Declared != 10_000 {
			b.Fatalf("touched %d of %d", len(out.Touched.Found), out.Declared)
		}
		r.must(g.Close())
	}
}
