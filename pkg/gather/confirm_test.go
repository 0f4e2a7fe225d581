package gather

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// oneBlob is a source that holds one blob.
type oneBlob struct{ body []byte }

func (oneBlob) Manifest(context.Context, ref.Ref) (*image.Answer, error) {
	return nil, &image.Error{Op: "get manifest", Cause: fact.NotFound}
}

func (s oneBlob) Blob(context.Context, ref.Ref, ref.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.body)), nil
}

func (oneBlob) Proves() image.Claims { return image.Claims{Tags: true, Manifest: true} }

// Where two decoders give different bytes nothing is known of the layer, and it
// is counted as a fault of ours.
func TestDecodersThatDisagreeLeaveTheLayerUndecided(t *testing.T) {
	t.Parallel()
	tar, err := testimage.Tar([]testimage.File{{Path: "f", Content: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(tar); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d := ref.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Digest: ref.DigestOf(b.Bytes(), ""), Size: int64(b.Len())}
	l := NewLayers(1, nil, nil)
	p := &platformRead{
		Layers: l, budget: layer.NewBudget(),
		img: &image.Image{Source: oneBlob{b.Bytes()}}, c: &image.Child{Class: fact.ClassImage},
	}
	c, err := p.fetch(t.Context(), d, false)
	if err != nil {
		t.Fatal(err)
	}
	if p.doubtful(c, ref.DigestOf(tar, "")) || !p.doubtful(c, ref.DigestOf([]byte("other"), "")) {
		t.Error("only a layer that does not expand to what is declared is doubtful")
	}
	for _, tt := range []struct {
		compression string
		encrypted   bool
		diffID      ref.Digest
		want        bool
	}{
		{"gzip", false, "", true}, // undecodable
		{"zstd", false, "", false},
		{"zstd", false, ref.DigestOf(tar, ""), true}, // our hash may be wrong
		{"none", false, ref.DigestOf(tar, ""), true},
		{"", true, "", false},
	} {
		f := c.Fact
		f.Compression, f.Encrypted, f.DiffID = tt.compression, tt.encrypted, tt.diffID
		if got := p.doubtful(c.WithFact(f), ref.DigestOf([]byte("other"), "")); got != tt.want {
			t.Errorf("compression %q, encrypted %v, diffID %q: doubtful is %v", tt.compression, tt.encrypted, tt.diffID, got)
		}
	}
	if err := p.confirm(t.Context(), d, c); err != nil || l.Disagreed() != 0 {
		t.Errorf("the decoders agree: %v, %d counted", err, l.Disagreed())
	}
	f := c.Fact
	f.DiffID = ref.DigestOf([]byte("what a faulty decoder gives"), "")
	err = p.confirm(t.Context(), d, c.WithFact(f))
	if image.CauseOf(err) != fact.Internal || !strings.Contains(image.HintOf(err), "report") || l.Disagreed() != 1 {
		t.Errorf("error %v, hint %q, %d counted; want an internal one that asks for a report", err, image.HintOf(err), l.Disagreed())
	}
}
