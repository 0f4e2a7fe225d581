//go:build unix

package kubernetes_test

import (
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
)

// How many documents of Kubernetes' own examples are read in a second, files in
// memory.
func BenchmarkExtract(b *testing.B) {
	files, docs := fstest.MapFS{}, 0
	var names []string
	from := os.DirFS(suites(b))
	err := fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, p)
		if err != nil || !(kubernetes.Extractor{}).Match(p, data[:min(len(data), extract.HeadSize)]) {
			return err
		}
		f, err := yamlpos.Open(data)
		for d, bad := range f.Docs(nil) {
			if bad == nil && d.Root().Get("kind").String() != "" {
				docs++
			}
		}
		files[p], names = &fstest.MapFile{Data: data}, append(names, p)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	round := func(part int) {
		for i, name := range names {
			if i%2 != part {
				continue
			}
			if _, err := (kubernetes.Extractor{}).Extract(files, name); err != nil {
				b.Error(err)
			}
		}
	}
	before := cpu(b)
	for b.Loop() {
		var wg sync.WaitGroup
		wg.Go(func() { round(0) })
		wg.Go(func() { round(1) })
		wg.Wait()
	}
	b.ReportMetric(float64(docs*b.N)/b.Elapsed().Seconds(), "docs/s")
	// What two cores of its own would give, on a machine that does other work too.
	if now := cpu(b); now > before {
		b.ReportMetric(2*float64(docs*b.N)/(now-before).Seconds(), "docs/s-2cpu")
	}
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
