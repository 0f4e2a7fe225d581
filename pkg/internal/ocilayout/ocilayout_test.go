package ocilayout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
)

// memory is a layout that counts what is read of it.
type memory struct {
	files map[string][]byte
	index []ref.Descriptor

	mu    sync.Mutex
	opens map[string]int
}

func newMemory() *memory {
	return &memory{files: map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}, opens: map[string]int{}}
}

func (m *memory) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	m.opens[name]++
	m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (m *memory) Size(_ context.Context, name string) (int64, error) {
	b, ok := m.files[name]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return int64(len(b)), nil
}

// blobs returns how many blobs were opened, and the most often that one was.
func (m *memory) blobs() (all, most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, n := range m.opens {
		if strings.HasPrefix(name, "blobs/") {
			all, most = all+n, max(most, n)
		}
	}
	return all, most
}

func (m *memory) put(tb testing.TB, mediaType string, doc map[string]any) ref.Descriptor {
	tb.Helper()
	doc["schemaVersion"], doc["mediaType"] = 2, mediaType
	b, err := json.Marshal(doc)
	if err != nil {
		tb.Fatal(err)
	}
	d := ref.Descriptor{MediaType: mediaType, Digest: ref.DigestOf(b, ""), Size: int64(len(b))}
	m.files["blobs/sha256/"+d.Digest.Hex()] = b
	return d
}

func (m *memory) list(d ref.Descriptor, name string) {
	if name != "" {
		d.Annotations = map[string]string{"org.opencontainers.image.ref.name": name}
	}
	m.index = append(m.index, d)
}

func (m *memory) open(tb testing.TB) *ocilayout.Layout {
	tb.Helper()
	type entry struct {
		MediaType   string            `json:"mediaType"`
		Digest      ref.Digest        `json:"digest"`
		Size        int64             `json:"size"`
		Annotations map[string]string `json:"annotations,omitempty"`
	}
	var doc struct {
		Manifests []entry `json:"manifests"`
	}
	for _, d := range m.index {
		doc.Manifests = append(doc.Manifests, entry{d.MediaType, d.Digest, d.Size, d.Annotations})
	}
	b, err := json.Marshal(doc)
	if err != nil {
		tb.Fatal(err)
	}
	m.files["index.json"] = b
	l, err := ocilayout.New(tb.Context(), m, "test", image.Claims{Signatures: true})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func sigTag(d ref.Digest) string { return d.Algorithm() + "-" + d.Hex() + ".sig" }

// signed is a layout of an index with n children. The index and each child have
// a signature at cosign's tag and one that refers to them.
func signed(tb testing.TB, n int) (*memory, []ref.Descriptor) {
	tb.Helper()
	m := newMemory()
	var subjects []ref.Descriptor
	for i := range n {
		subjects = append(subjects, m.put(tb, typeManifest, map[string]any{"config": map[string]any{"digest": fmt.Sprint(i)}}))
	}
	children := []map[string]any{}
	for _, d := range subjects {
		children = append(children, map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size})
	}
	root := m.put(tb, typeIndex, map[string]any{"manifests": children})
	m.list(root, "v1")
	subjects = append([]ref.Descriptor{root}, subjects...)
	for _, d := range subjects {
		m.list(m.put(tb, typeManifest, map[string]any{"layers": []any{}, "annotations": map[string]string{"of": string(d.Digest)}}), sigTag(d.Digest))
		m.list(m.put(tb, typeManifest, map[string]any{"artifactType": "x/y", "subject": map[string]any{"digest": d.Digest}}), "")
	}
	return m, subjects
}

// An image that says it belongs to another is one that engines load by its name:
// which of the two is meant has to be said.
func TestAnImageThatRefersToAnother(t *testing.T) {
	t.Parallel()
	image := func(m *memory, layer string, more map[string]any) ref.Descriptor {
		doc := map[string]any{
			"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": ref.DigestOf([]byte(layer), ""), "size": 1},
			"layers": []any{map[string]any{"mediaType": layer, "digest": ref.DigestOf([]byte(layer), ""), "size": 1}},
		}
		maps.Copy(doc, more)
		return m.put(t, typeManifest, doc)
	}
	const tar, simple = "application/vnd.oci.image.layer.v1.tar", "application/vnd.dev.cosign.simplesigning.v1+json"
	for name, c := range map[string]struct {
		layer   string
		subject bool
		kind    string
		tag     bool
		several bool
	}{
		"by its subject":       {layer: tar, subject: true, several: true},
		"by cosign's kind":     {layer: tar, kind: "dev.cosignproject.cosign/sigs", several: true},
		"by cosign's tag":      {layer: tar, tag: true, several: true},
		"referrer":             {layer: "text/plain", subject: true},
		"signatures by kind":   {layer: simple, kind: "dev.cosignproject.cosign/sigs"},
		"signatures by a tag":  {layer: simple, tag: true},
		"another image beside": {layer: tar, several: true},
	} {
		m := newMemory()
		one := image(m, tar+"+gzip", nil)
		m.list(one, "")
		more := map[string]any{}
		if c.subject {
			more["subject"] = map[string]any{"mediaType": typeManifest, "digest": one.Digest, "size": one.Size}
		}
		other := image(m, c.layer, more)
		if c.tag {
			m.list(other, sigTag(one.Digest))
		} else {
			m.list(other, "")
		}
		if c.kind != "" {
			m.index[1].Annotations = map[string]string{"kind": c.kind, "org.opencontainers.image.ref.name": "app:latest"}
		}
		_, err := m.open(t).Manifest(t.Context(), ref.Ref{})
		if got := err != nil && strings.Contains(err.Error(), "there are 2 images"); got != c.several || err != nil && !got {
			t.Errorf("%s: %v; several: %v", name, err, c.several)
		}
	}
}

// lookUp does what a search for signatures does for one subject.
func lookUp(ctx context.Context, l *ocilayout.Layout, d ref.Digest) error {
	list, _, err := l.Referrers(ctx, ref.Ref{}, d)
	if err != nil {
		return err
	}
	if len(list) != 1 || list[0].ArtifactType != "x/y" {
		return fmt.Errorf("%d referrers of %s", len(list), d)
	}
	if _, err := l.Manifest(ctx, ref.Ref{Tag: sigTag(d)}); err != nil {
		return err
	}
	if _, err := l.Head(ctx, ref.Ref{Tag: strings.Replace(sigTag(d), ".sig", ".att", 1)}); image.CauseOf(err) != fact.NotFound {
		return fmt.Errorf("an attestation that is not there: %w", err)
	}
	return nil
}

// TestLargestIndex: the signatures of an index as large as they may be are found
// with each manifest read once, and each signature once more.
func TestLargestIndex(t *testing.T) {
	t.Parallel()
	m, subjects := signed(t, limits.IndexChildren)
	l := m.open(t)
	var wg sync.WaitGroup
	for part := range slices.Chunk(subjects, 100) {
		wg.Go(func() {
			for _, d := range part {
				if err := lookUp(t.Context(), l, d.Digest); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	all, most := m.blobs()
	if want := 4 * len(subjects); all != want || most > 2 {
		t.Errorf("%d reads, one blob up to %d times; want %d and 2", all, most, want)
	}
}

// TestLimitIsMetOnce: a layout that is too large is not read again for every
// subject, and is no layout without signatures.
func TestLimitIsMetOnce(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var children []map[string]any
	for i := range limits.LayoutManifests {
		children = append(children, map[string]any{"digest": ref.DigestOf([]byte(fmt.Sprint(i)), "")})
	}
	m.list(m.put(t, typeIndex, map[string]any{"manifests": children[:10]}), "")
	m.list(m.put(t, typeIndex, map[string]any{"manifests": children}), "")
	l := m.open(t)
	for range 3 {
		_, _, err := l.Referrers(t.Context(), ref.Ref{}, ref.DigestOf(nil, ""))
		if image.CauseOf(err) != fact.Limit {
			t.Fatalf("got %v, want a limit", err)
		}
	}
	if all, _ := m.blobs(); all > limits.LayoutManifests {
		t.Errorf("%d reads, want at most %d", all, limits.LayoutManifests)
	}
}

func TestManyBytesOfManifests(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for i := range limits.LayoutManifestBytes/limits.Manifest + 1 {
		b := append([]byte(fmt.Sprintf(`{"annotations":{"i":"%d"}}`, i)), bytes.Repeat([]byte(" "), limits.Manifest-100)...)
		d := ref.Descriptor{Digest: ref.DigestOf([]byte(fmt.Sprint(i)), ""), Size: int64(len(b))}
		m.files["blobs/sha256/"+d.Digest.Hex()] = b
		m.list(d, "")
	}
	var exceeded *limits.ExceededError
	_, _, err := m.open(t).Referrers(t.Context(), ref.Ref{}, ref.DigestOf(nil, ""))
	if !errors.As(err, &exceeded) || exceeded.Limit != limits.LayoutManifestBytes {
		t.Errorf("got %v, want the limit of %d", err, limits.LayoutManifestBytes)
	}
}

// TestCancelledWalk: the end of one caller's patience is not the answer to the next.
func TestCancelledWalk(t *testing.T) {
	t.Parallel()
	m, subjects := signed(t, 2)
	l := m.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Referrers(ctx, ref.Ref{}, subjects[0].Digest); image.CauseOf(err) != fact.Cancelled {
		t.Errorf("got %v, want %s", err, fact.Cancelled)
	}
	if err := lookUp(t.Context(), l, subjects[0].Digest); err != nil {
		t.Error(err)
	}
}

// TestSeveralNamesOfOneDigest: of entries of one digest the first counts.
func TestSeveralNamesOfOneDigest(t *testing.T) {
	t.Parallel()
	m := newMemory()
	d := m.put(t, typeManifest, map[string]any{})
	first := d
	first.Annotations = map[string]string{"org.opencontainers.image.ref.name": "a", "io.containerd.image.name": "example.com/x:a"}
	m.list(first, "")
	m.list(d, "a")
	m.list(d, "example.com/x")
	l := m.open(t)
	for _, r := range []ref.Ref{{Tag: "a"}, {Name: "example.com/x", Tag: "latest"}, {Digest: d.Digest}} {
		a, err := l.Manifest(t.Context(), r)
		if err != nil {
			t.Errorf("%v: %v", r, err)
			continue
		}
		if diff := cmp.Diff(m.files["blobs/sha256/"+d.Digest.Hex()], a.Body); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", r, diff)
		}
	}
}

// BenchmarkSubjects looks for the signatures of an index with n children. What
// one subject costs must not grow with n.
func BenchmarkSubjects(b *testing.B) {
	for _, n := range []int{100, limits.IndexChildren} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, subjects := signed(b, n)
			for b.Loop() {
				l := m.open(b)
				for _, d := range subjects {
					if err := lookUp(b.Context(), l, d.Digest); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(subjects)), "µs/subject")
		})
	}
}
