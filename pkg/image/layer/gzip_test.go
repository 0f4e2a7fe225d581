package layer

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
)

// TestReference: both decoders of gzip see the same in every layer, right or
// wrong.
func TestReference(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("content of some length, "), 40_000)
	a := archive(t, dir("d", 0o755), file("d/f", string(body), 0o644), file("s", "#!/bin/sh\n", 0o755))
	z := gz(t, a)
	blobs := map[string][]byte{
		"whole": z, "members": append(gz(t, a[:5000]), gz(t, a[5000:])...), "empty member": append(gz(t, nil), z...),
		"zeros after it": append(bytes.Clone(z), 0, 0, 0), "text after it": append(bytes.Clone(z), "text"...),
		"half a header after it": append(bytes.Clone(z), 0x1f, 0x8b, 8), "wrong sum": flip(z, -8), "wrong length": flip(z, -1),
		"reserved flags": flip(z, 3), "wrong method": flip(z, 2), "nothing of it": z[:2], "no archive": gz(t, body),
	}
	for i := 1; i < len(z); i += len(z)/40 + 1 {
		blobs["cut short "+string(rune('A'+i%57))] = z[:i]
		blobs["changed "+string(rune('A'+i%57))] = flip(z, i)
	}
	for name, blob := range blobs {
		var facts [2]fact.Layer
		var kept [2][]byte
		for i := range facts {
			c, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, gzipType), Options{Reference: i == 1})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var buf bytes.Buffer
			if c.Readable() {
				if err := c.Encode(&buf); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			kept[i], facts[i] = buf.Bytes(), c.Fact
			for j := range facts[i].Problems {
				if facts[i].Problems[j].Kind == fact.ProblemUnverifiable {
					facts[i].Problems[j].Detail = "" // each in its own words
				}
			}
		}
		if diff := cmp.Diff(facts[1], facts[0]); diff != "" {
			t.Errorf("%s (-reference +ours):\n%s", name, diff)
		}
		if !bytes.Equal(kept[0], kept[1]) {
			t.Errorf("%s: entries differ", name)
		}
	}
}
