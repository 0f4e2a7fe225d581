package registry

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// acceptManifest names all forms of manifests, so that the registry sends the one
// it holds and converts nothing. Schema 1 is not among them; a registry that
// sends it nonetheless is found out by whoever looks at the bytes.
var acceptManifest = strings.Join([]string{
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.oci.artifact.manifest.v1+json",
	"*/*;q=0.1",
}, ", ")

// A page is an answer read whole.
type page struct {
	body   []byte
	header http.Header
	from   *http.Request // the last one, after redirects
}

// fetch reads the answer to r whole, trying again if it fails or is cut.
func (e *endpoint) fetch(ctx context.Context, r request, limit int64, what string) (page, error) {
	return retry(ctx, e, func(ctx context.Context) (page, error) {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(context.Canceled)
		resp, err := e.once(ctx, r)
		if err != nil {
			return page{}, err
		}
		defer func() { _ = resp.Body.Close() }()
		p := page{header: resp.Header, from: resp.Request}
		if r.method == http.MethodHead {
			return p, nil
		}
		p.body, err = e.readAll(ctx, stop, resp.Body, limit, what)
		return p, err
	})
}

// tagOf returns what r names in its repository: its digest, else its tag, else
// "latest", which is what every client takes no tag for.
func tagOf(r ref.Ref) string {
	switch {
	case r.Digest != "":
		return string(r.Digest)
	case r.Tag != "":
		return r.Tag
	}
	return "latest"
}

// object names r in messages.
func object(r ref.Ref) string {
	s := r.Canonical()
	if r.Digest != "" {
		return s + "@" + string(r.Digest)
	}
	return s + ":" + tagOf(r)
}

// Manifest fetches the manifest that r names with one GET, not counting what a
// token costs and repetitions after failures.
func (s *Source) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	return s.manifest(ctx, r, http.MethodGet, "get manifest")
}

// Head asks for the manifest that r names without its body. A registry that does
// not know HEAD is asked with GET.
func (s *Source) Head(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	a, err := s.manifest(ctx, r, http.MethodHead, "head manifest")
	if isStatus(err, http.StatusMethodNotAllowed, http.StatusNotImplemented) {
		return s.manifest(ctx, r, http.MethodGet, "head manifest")
	}
	return a, err
}

func (s *Source) manifest(ctx context.Context, r ref.Ref, method, op string) (*image.Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	e, err := s.endpoint(r)
	if err != nil {
		return nil, e.fail(ctx, op, object(r), err)
	}
	p, err := e.fetch(ctx, request{
		method: method, path: r.Repository() + "/manifests/" + tagOf(r), repo: r.Repository(), accept: acceptManifest,
	}, limits.Manifest, "manifest size")
	if err != nil {
		return nil, e.fail(ctx, op, object(r), err)
	}
	a := &image.Answer{Body: p.body, MediaType: mediaType(p.header)}
	if !strings.Contains(acceptManifest, a.MediaType) {
		a.MediaType = e.secrets.hide(a.MediaType) // it is quoted where it is found wrong
	}
	if d, err := ref.ParseDigest(p.header.Get("Docker-Content-Digest")); err == nil {
		a.DigestClaim = d
	}
	return a, nil
}

// mediaType returns the Content-Type without parameters, as sent if it cannot be
// parsed.
func mediaType(h http.Header) string {
	t := h.Get("Content-Type")
	if m, _, err := mime.ParseMediaType(t); err == nil {
		return m
	}
	return t
}

// Blob opens a blob with one GET, not counting repetitions before its first byte.
// A body that ends early is an error with Cause fact.CutShort; reading it again
// from its start is up to the caller, who hashes it.
func (s *Source) Blob(ctx context.Context, r ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	const op = "get blob"
	name := r.Canonical() + "@" + string(d.Digest)
	caller, cancel := withDeadline(ctx)
	e, err := s.endpoint(r)
	if err != nil {
		err = e.fail(caller, op, name, err)
		cancel()
		return nil, err
	}
	ctx, stop := context.WithCancelCause(caller)
	resp, err := retry(ctx, e, func(ctx context.Context) (*http.Response, error) {
		return e.once(ctx, request{method: http.MethodGet, path: r.Repository() + "/blobs/" + string(d.Digest), repo: r.Repository()})
	})
	if err != nil {
		err = e.fail(caller, op, name, err) // asks whether caller has ended
		stop(context.Canceled)
		cancel()
		return nil, err
	}
	return &stream{
		ctx: ctx, stop: stop, cancel: cancel, body: resp.Body,
		meter: newMeter(resp.Body, s.o.window, s.o.now, stop),
		fail:  func(err error) error { return e.fail(caller, op, name, err) },
	}, nil
}

// HasBlob asks with HEAD, and with a GET that is closed at once where HEAD is not
// answered: by registries that do not know it, and by stores they lead to whose
// addresses are signed for GET alone.
func (s *Source) HasBlob(ctx context.Context, r ref.Ref, d ref.Descriptor) (bool, error) {
	const op = "head blob"
	name := r.Canonical() + "@" + string(d.Digest)
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	e, err := s.endpoint(r)
	if err != nil {
		return false, e.fail(ctx, op, name, err)
	}
	has := func(method string) error {
		_, err := retry(ctx, e, func(ctx context.Context) (*http.Response, error) {
			resp, err := e.once(ctx, request{method: method, path: r.Repository() + "/blobs/" + string(d.Digest), repo: r.Repository()})
			if err == nil {
				_ = resp.Body.Close()
			}
			return nil, err
		})
		return err
	}
	err = has(http.MethodHead)
	var status *statusError
	away := errors.As(err, &status) && status.host != e.address
	if isStatus(err, http.StatusMethodNotAllowed, http.StatusNotImplemented) || away && isStatus(err, http.StatusForbidden) {
		err = has(http.MethodGet)
	}
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, e.fail(ctx, op, name, err)
}

func isStatus(err error, any ...int) bool {
	var s *statusError
	if !errors.As(err, &s) || s.token {
		return false
	}
	for _, status := range any {
		if s.status == status {
			return true
		}
	}
	return false
}
