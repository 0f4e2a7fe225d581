// Package ocilayout reads images out of an OCI image layout, wherever its files
// are: in a directory or in an archive. Names, referrers and cosign's
// annotations are understood here once for both.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
package ocilayout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Files gives read access to the files of one layout. Names are slash-separated
// and relative to the layout; they hold no ".." and come only from this package.
// A missing file is an error that wraps fs.ErrNotExist. Files may be used
// concurrently.
type Files interface {
	// Open opens a regular file and returns its size.
	Open(ctx context.Context, name string) (io.ReadCloser, int64, error)
	// Size returns the size of a regular file.
	Size(ctx context.Context, name string) (int64, error)
}

// A Layout is an [image.Source], [image.Prober] and [image.Referrer] over the
// files of a layout. Its index.json was read when it was opened; blobs are read
// when they are asked for. It may be used concurrently.
type Layout struct {
	files   Files
	where   string // `layout "dir"`, for messages
	claims  image.Claims
	entries []ref.Descriptor // of index.json, in order
	names   names

	walking chan struct{} // held while the manifests are walked; of size 1
	done    bool          // walked
	walked  walked
	walkErr error
}

// New reads the layout's oci-layout and index.json. where names it in messages.
func New(ctx context.Context, files Files, where string, claims image.Claims) (*Layout, error) {
	l := &Layout{files: files, where: where, claims: claims, walking: make(chan struct{}, 1)}
	if err := l.readVersion(ctx); err != nil {
		return nil, err
	}
	if err := l.readIndex(ctx); err != nil {
		return nil, err
	}
	l.names = newNames(l.entries)
	return l, nil
}

// Proves implements [image.Source].
func (l *Layout) Proves() image.Claims { return l.claims }

// Entries returns the descriptors of index.json, in its order.
func (l *Layout) Entries() []ref.Descriptor { return append([]ref.Descriptor(nil), l.entries...) }

// Manifest implements [image.Source]. A reference with neither a tag nor a
// digest names the only image of the layout.
func (l *Layout) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	const op = "get manifest"
	want, err := l.find(ctx, r)
	if err != nil {
		return nil, l.fail(op, describe(r), err)
	}
	b, err := l.read(ctx, blobName(want.Digest), "manifest size", limits.Manifest)
	if err != nil {
		return nil, l.fail(op, describe(r), err)
	}
	a := &image.Answer{Body: b, MediaType: want.MediaType}
	if r.Digest == "" {
		a.Wanted = want
	}
	return a, nil
}

// Head implements [image.Prober].
func (l *Layout) Head(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	const op = "look for manifest"
	want, err := l.find(ctx, r)
	if err != nil {
		return nil, l.fail(op, describe(r), err)
	}
	if _, err := l.files.Size(ctx, blobName(want.Digest)); err != nil {
		return nil, l.fail(op, describe(r), err)
	}
	return &image.Answer{MediaType: want.MediaType, DigestClaim: want.Digest}, nil
}

// Blob implements [image.Source].
func (l *Layout) Blob(ctx context.Context, _ ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	const op = "get blob"
	if _, err := ref.ParseDigest(string(d.Digest)); err != nil {
		return nil, l.fail(op, "", err)
	}
	rc, _, err := l.files.Open(ctx, blobName(d.Digest))
	if err != nil {
		return nil, l.fail(op, string(d.Digest), err)
	}
	return &blob{ctx: ctx, ReadCloser: rc, wrap: func(err error) error { return l.fail(op, string(d.Digest), err) }}, nil
}

// HasBlob implements [image.Prober].
func (l *Layout) HasBlob(ctx context.Context, _ ref.Ref, d ref.Descriptor) (bool, error) {
	if _, err := ref.ParseDigest(string(d.Digest)); err != nil {
		return false, l.fail("look for blob", "", err)
	}
	_, err := l.files.Size(ctx, blobName(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, l.fail("look for blob", string(d.Digest), err)
	}
	return true, nil
}

// A blob ends with its context, so that a scan's deadline holds for local files
// on slow disks as well.
type blob struct {
	ctx context.Context
	io.ReadCloser
	wrap func(error) error
}

func (b *blob) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, b.wrap(err)
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.wrap(err)
	}
	return n, err
}

// blobName is the path of a blob. Only validated digests get here.
func blobName(d ref.Digest) string { return "blobs/" + d.Algorithm() + "/" + d.Hex() }

// read reads a whole small file.
func (l *Layout) read(ctx context.Context, name, what string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rc, size, err := l.files.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	if size > limit {
		return nil, &limits.ExceededError{What: what, Limit: limit, Got: size}
	}
	b, err := io.ReadAll(io.LimitReader(rc, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit { // it grew since its size was read
		return nil, &limits.ExceededError{What: what, Limit: limit}
	}
	return b, nil
}

func (l *Layout) fail(op, object string, err error) error {
	where := l.where
	if object != "" {
		where += " " + object
	}
	return &image.Error{Op: op, Object: where, Cause: causeOf(err), Err: err}
}

func causeOf(err error) fact.Cause {
	var exceeded *limits.ExceededError
	var choice choiceError
	switch {
	case errors.As(err, &choice):
		return fact.Unsupported
	case errors.Is(err, fs.ErrNotExist):
		return fact.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fact.Forbidden
	case errors.As(err, &exceeded):
		return fact.Limit
	case errors.Is(err, ErrMalformed), errors.Is(err, ErrNotRegular):
		return fact.Unsupported
	case errors.Is(err, ref.ErrUnsupportedAlgorithm):
		return fact.Unsupported
	}
	return image.CauseOf(err)
}

// ErrNotRegular reports a file of a layout that is a link, a directory or a
// device: what it leads to is no part of the layout.
var ErrNotRegular = errors.New("not a regular file")

// ErrMalformed reports files that are not what the format says, so that there
// is nothing to examine.
var ErrMalformed = errors.New("malformed layout")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func describe(r ref.Ref) string {
	switch {
	case r.Digest != "":
		return string(r.Digest)
	case r.Name != "" && r.Tag != "":
		return fmt.Sprintf("image %q", r.Name+":"+r.Tag)
	case r.Tag != "":
		return fmt.Sprintf("tag %q", r.Tag)
	}
	return "image"
}
