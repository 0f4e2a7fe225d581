package containerdclient

import (
	"context"
	"errors"
	"io"

	contentapi "github.com/containerd/containerd/api/services/content/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Content is the content store as one namespace sees it. It is an
// [image.Source] that knows digests only: names are in the image store. It may
// be used concurrently.
type Content struct {
	client    *Client
	namespace string
}

// Content returns the content store of a namespace.
func (c *Client) Content(namespace string) *Content { return &Content{c, namespace} }

// discarded says why content may be missing of an image that is there.
const discarded = "containerd keeps only the platforms that were pulled, and no layers if discard_unpacked_layers is set; " +
	"scan the image in its registry"

// Manifest implements [image.Source] for a reference with a digest.
func (s *Content) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	rc, err := s.open(ctx, "manifest", r.Digest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	b, err := io.ReadAll(io.LimitReader(rc, limits.Manifest+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limits.Manifest {
		return nil, &image.Error{Op: "get", Object: s.client.describe(named("manifest", string(r.Digest), s.namespace)), Cause: fact.Limit,
			Err: &limits.ExceededError{What: "manifest size", Limit: limits.Manifest}}
	}
	return &image.Answer{Body: b}, nil
}

// Blob implements [image.Source].
func (s *Content) Blob(ctx context.Context, _ ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	return s.open(ctx, "blob", d.Digest)
}

// Proves implements [image.Source].
func (s *Content) Proves() image.Claims {
	return image.Claims{Place: "containerd", Manifest: true,
		NoSignatures: "containerd's store holds images and not what signs them; scan the image in its registry"}
}

// Has says whether content is there, without reading it.
func (s *Content) Has(ctx context.Context, d ref.Digest) (bool, error) {
	if err := s.usable("look for", "content", d); err != nil {
		return false, err
	}
	err := s.client.Call(in(ctx, s.namespace), "look for", named("content", string(d), s.namespace), func(ctx context.Context) error {
		_, err := s.client.content.Info(ctx, &contentapi.InfoRequest{Digest: string(d)})
		return err
	})
	if err != nil && image.CauseOf(err) == fact.NotFound {
		return false, nil
	}
	return err == nil, err
}

func (s *Content) usable(op, what string, d ref.Digest) error {
	if _, err := ref.ParseDigest(string(d)); err != nil {
		return &image.Error{Op: op, Object: s.client.describe(what), Cause: fact.Unsupported, Err: err}
	}
	return nil
}

// open waits for the first part, so that what is missing is told at once.
func (s *Content) open(ctx context.Context, what string, d ref.Digest) (io.ReadCloser, error) {
	if err := s.usable("get", what, d); err != nil {
		return nil, err
	}
	read := func(ctx context.Context) (contentapi.Content_ReadClient, error) {
		return s.client.content.Read(ctx, &contentapi.ReadContentRequest{Digest: string(d)})
	}
	st, err := start(in(ctx, s.namespace), s.client.Conn, "get", named(what, string(d), s.namespace), read)
	if err != nil {
		return nil, err
	}
	b := &blob{stream: st}
	if err := b.fill(); err != nil && !errors.Is(err, io.EOF) {
		st.bound.stop()
		if e := new(image.Error); errors.As(err, &e) && e.Cause == fact.NotFound {
			e.Err, e.Hint = errors.New("it is not in the content store"), discarded
		}
		return nil, err
	}
	return b, nil
}

// A blob is content as it comes in parts.
type blob struct {
	stream *stream[contentapi.ReadContentResponse]
	part   []byte
	err    error // of the last part
}

// fill waits for the next part that is not empty.
func (b *blob) fill() error {
	for len(b.part) == 0 && b.err == nil {
		m, err := b.stream.next()
		b.part, b.err = m.GetData(), err
	}
	if len(b.part) == 0 {
		return b.err
	}
	return nil
}

// Read implements io.Reader.
func (b *blob) Read(p []byte) (int, error) {
	if err := b.fill(); err != nil {
		return 0, err
	}
	n := copy(p, b.part)
	b.part = b.part[n:]
	return n, nil
}

// Close implements io.Closer. What was not read is not sent.
func (b *blob) Close() error {
	b.stream.bound.stop()
	b.part, b.err = nil, io.ErrClosedPipe
	return nil
}
