// Package archive reads images from a tar file: an OCI layout in an archive
// (docker buildx --output type=oci, skopeo oci-archive:) or what "docker save"
// and "podman save" write; each may be compressed with gzip.
//
// Nothing is unpacked. A plain archive is read at the offsets found in one pass
// over its headers. A gzip stream cannot be entered in the middle: its small
// documents are kept from the first pass, and a layer is reached by expanding
// the stream up to it. Streams are kept where the last reader left them, so
// reading all layers in the order of the archive costs one more pass; reading n
// at once, in other orders or for the first time costs up to n.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
	"github.com/intact-dev/intact/pkg/ref"
)

const noSignatures = "an archive of docker save carries no signatures"

// A Source is one archive. It implements [image.Source], [image.Prober] and
// [image.Referrer], and may be used concurrently.
type Source struct {
	*ocilayout.Layout
	file  *os.File
	where string
}

// Open reads the headers of the archive in file. References are looked up as in
// a layout directory: by digest, by tag or full name, or the only image. Of an
// archive with both an OCI index and Docker's manifest.json the index counts, and
// it is refused if they are of different images: engines load one or the other.
//
// From manifest.json a manifest is made whose layers are the files of the
// archive under the diffIDs of the config: then only the config's digest, the
// image ID, means anything elsewhere, and Proves says so. The caller closes the
// Source.
func Open(ctx context.Context, file string) (*Source, error) {
	where := fmt.Sprintf("archive %q", file)
	f, err := openRegular(file)
	if err != nil {
		return nil, wrap(where, err)
	}
	s, err := open(ctx, f, where)
	if err != nil {
		_ = f.Close()
		return nil, wrap(where, err)
	}
	return s, nil
}

// Close releases the file. Open blobs fail from then on.
func (s *Source) Close() error { return s.file.Close() }

// Referrers implements [image.Referrer]. An archive that cannot hold signatures
// is an error, not an empty list.
func (s *Source) Referrers(ctx context.Context, r ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error) {
	if !s.Proves().Signatures {
		return nil, fact.FormLayout, &image.Error{Op: "list referrers", Object: s.where + " " + string(d),
			Cause: fact.Unsupported, Err: errors.New(noSignatures)}
	}
	return s.Layout.Referrers(ctx, r, d)
}

func open(ctx context.Context, f *os.File, where string) (*Source, error) {
	tree, err := scan(ctx, f)
	if err != nil {
		return nil, err
	}
	if tree.has("oci-layout") && tree.has("index.json") {
		l, err := ocilayout.New(ctx, tree, where, image.Claims{Place: "archive", Manifest: true, Signatures: true})
		if err != nil {
			return nil, err
		}
		docker := tree.has(dockerManifest)
		if !docker || len(l.Entries()) > 0 {
			if err := agree(ctx, tree, l); err != nil {
				return nil, err
			}
			if docker && remade(ctx, l) {
				l, err = ocilayout.New(ctx, tree, where, dockerClaims())
			}
			return &Source{Layout: l, file: f, where: where}, err
		}
	}
	if !tree.has(dockerManifest) {
		return nil, tree.noImage()
	}
	files, err := dockerFiles(ctx, tree)
	if err != nil {
		return nil, err
	}
	l, err := ocilayout.New(ctx, files, where, dockerClaims())
	return &Source{Layout: l, file: f, where: where}, err
}

func dockerClaims() image.Claims {
	return image.Claims{Place: "archive", NoSignatures: noSignatures}
}

// openRegular does not block on a pipe.
func openRegular(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &image.Error{Op: "open", Cause: fact.Unsupported, Err: errors.New("a directory, not a file"),
			Hint: "read a layout directory with oci:DIR"}
	} else if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w; an archive is read several times, write it to a file first", ocilayout.ErrNotRegular)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// wrap gives err a cause and the archive's name, unless it has them.
func wrap(where string, err error) error {
	var e *image.Error
	if errors.As(err, &e) {
		if e.Object == "" {
			return &image.Error{Op: e.Op, Object: where, Cause: e.Cause, Err: e.Err, Hint: e.Hint}
		}
		return err
	}
	var exceeded *limits.ExceededError
	cause := image.CauseOf(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cause = fact.NotFound
	case errors.Is(err, fs.ErrPermission):
		cause = fact.Forbidden
	case errors.As(err, &exceeded):
		cause = fact.Limit
	case errors.Is(err, ocilayout.ErrMalformed), errors.Is(err, ocilayout.ErrNotRegular):
		cause = fact.Unsupported
	}
	return &image.Error{Op: "open", Object: where, Cause: cause, Err: err}
}
