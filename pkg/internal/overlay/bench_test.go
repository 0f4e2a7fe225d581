//go:build linux

package overlay

import (
	"fmt"
	"os"
	"testing"

	"github.com/intact-dev/intact/pkg/observe"
)

// BenchmarkWalk reads 10,000 files of 4 KiB in 100 directories.
func BenchmarkWalk(b *testing.B) {
	up := newTree(b)
	content := string(make([]byte, 4096))
	for i := range 100 {
		up.dir(fmt.Sprintf("d%02d", i))
		for j := range 100 {
			up.file(fmt.Sprintf("d%02d/f%02d", i, j), content)
		}
	}
	o := Options{Form: FormKernelUser, UIDs: IDMap{{0, uint32(os.Getuid()), 1}}}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := Walk(b.Context(), up.root, o, func(observe.Written) error { n++; return nil })
		if err != nil || n != 10_100 {
			b.Fatal(n, err)
		}
	}
}
