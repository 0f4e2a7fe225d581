package containerdclient_test

import (
	"io"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/ref"
)

// What a byte of content costs over the socket, the server's half included.
func BenchmarkContent(b *testing.B) {
	const size = 64 << 20
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"ns": {Blobs: map[ref.Digest][]byte{some: make([]byte, size)}}}}
	c, err := containerdclient.Open(b.Context(), containerdclient.Options{Address: s.Start(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		rc, err := c.Content("ns").Blob(b.Context(), ref.Ref{}, ref.Descriptor{Digest: some})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, rc); err != nil || n != size {
			b.Fatal(n, err)
		}
		if err := rc.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
