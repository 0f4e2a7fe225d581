package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	mediaTypeManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaTypeEmpty    = "application/vnd.oci.empty.v1+json"
)

// An Artifact is one file that refers to an image.
type Artifact struct {
	Subject     ref.Descriptor // the manifest that it is about, which is there
	Type        string         // of the artifact, and of the file
	Bytes       []byte
	Annotations map[string]string // of the manifest, and of the descriptor in lists
	// Pushes is told of each manifest before it is sent; nil = nobody wants to know.
	Pushes func(ref.Digest)
}

func (a Artifact) pushes(manifest []byte) {
	if a.Pushes != nil {
		a.Pushes(ref.DigestOf(manifest, ""))
	}
}

// A write is what a request sends, and the status that says it was taken.
type write struct {
	kind string // Content-Type
	body []byte
	want int
}

func (r request) body() io.Reader {
	if r.write == nil {
		return nil
	}
	return bytes.NewReader(r.write.body)
}

func (r request) wanted() int {
	if r.write == nil {
		return http.StatusOK
	}
	return r.write.want
}

// errRaced: another writer changed the fallback tag at the same time, again and
// again.
var errRaced = errors.New("others keep changing the list of referrers at the same time")

// Attach stores a in r's repository and returns its digest, and where the
// registry lists it: [fact.FormReferrers] or [fact.FormFallbackTag]. It is the one
// thing that a Source writes. It changes no tag but the fallback tag of the
// subject, and that only where the registry has no referrers API.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
func (s *Source) Attach(ctx context.Context, r ref.Ref, a Artifact) (ref.Digest, string, error) {
	const op = "attach"
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	name := r.Canonical() + "@" + string(a.Subject.Digest)
	e, err := s.endpoint(r)
	if err != nil {
		return "", "", e.fail(ctx, op, name, err)
	}
	d, form, err := e.attach(ctx, r, a)
	return d, form, e.fail(ctx, op, name, err)
}

func (e *endpoint) attach(ctx context.Context, r ref.Ref, a Artifact) (ref.Digest, string, error) {
	config := []byte("{}")
	layer := descriptorOf(a.Type, a.Bytes)
	body, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": mediaTypeManifest, "artifactType": a.Type,
		"config": descriptorOf(mediaTypeEmpty, config), "layers": []ref.Descriptor{layer},
		"subject":     ref.Descriptor{MediaType: a.Subject.MediaType, Digest: a.Subject.Digest, Size: a.Subject.Size},
		"annotations": a.Annotations,
	})
	if err != nil {
		return "", "", err
	}
	repo := r.Repository()
	for _, b := range [][]byte{config, a.Bytes} {
		if err := e.putBlob(ctx, repo, b); err != nil {
			return "", "", fmt.Errorf("store a blob: %w", err)
		}
	}
	manifest := descriptorOf(mediaTypeManifest, body)
	a.pushes(body)
	header, err := e.putManifest(ctx, repo, string(manifest.Digest), mediaTypeManifest, body)
	if err != nil {
		return "", "", fmt.Errorf("store the manifest: %w", err)
	}
	// The header says that the registry lists it. Some that do so do not say it.
	if header.Get("OCI-Subject") != "" {
		return manifest.Digest, fact.FormReferrers, nil
	}
	if _, err := e.listAPI(ctx, repo, a.Subject.Digest); err == nil {
		return manifest.Digest, fact.FormReferrers, nil
	} else if !noAPI(err) {
		return "", "", fmt.Errorf("ask for the referrers: %w", err)
	}
	manifest.ArtifactType, manifest.Annotations = a.Type, a.Annotations
	if err := e.addToTag(ctx, r, a, manifest); err != nil {
		return "", "", fmt.Errorf("fallback tag %s: %w", fallbackTag(a.Subject.Digest), err)
	}
	return manifest.Digest, fact.FormFallbackTag, nil
}

func descriptorOf(kind string, body []byte) ref.Descriptor {
	return ref.Descriptor{MediaType: kind, Digest: ref.DigestOf(body, ""), Size: int64(len(body))}
}

// putBlob uploads body at once, unless it is there.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
func (e *endpoint) putBlob(ctx context.Context, repo string, body []byte) error {
	digest := string(ref.DigestOf(body, ""))
	_, err := retry(ctx, e, func(ctx context.Context) (struct{}, error) {
		// With the right to push from the start: the token is for both.
		has := request{method: http.MethodHead, path: repo + "/blobs/" + digest, repo: repo, write: &write{want: http.StatusOK}}
		if resp, err := e.once(ctx, has); err == nil {
			return struct{}{}, resp.Body.Close()
		}
		begin := request{method: http.MethodPost, path: repo + "/blobs/uploads/", repo: repo, write: &write{want: http.StatusAccepted}}
		resp, err := e.once(ctx, begin)
		if err != nil {
			return struct{}{}, err
		}
		_ = resp.Body.Close()
		to, err := e.uploadTo(resp, digest)
		if err != nil {
			return struct{}{}, err
		}
		put := request{method: http.MethodPut, page: to, repo: repo, write: &write{kind: "application/octet-stream", body: body, want: http.StatusCreated}}
		if resp, err = e.once(ctx, put); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, resp.Body.Close()
	})
	return err
}

// uploadTo is where the registry wants a blob. It must be at the registry itself:
// what is attached is for nobody else.
func (e *endpoint) uploadTo(resp *http.Response, digest string) (*url.URL, error) {
	to, err := e.redirect(resp.Request.URL, resp.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	if to.Scheme != resp.Request.URL.Scheme && to.Host == resp.Request.URL.Host {
		to.Scheme = resp.Request.URL.Scheme // behind proxies registries do not know their own
	}
	if origin(to) != origin(resp.Request.URL) {
		return nil, &refusedError{why: fmt.Sprintf("the registry wants an upload at another place (%s), which is not followed", clip(to.Host))}
	}
	q := to.Query()
	q.Set("digest", digest)
	to.RawQuery = q.Encode()
	return to, nil
}

func (e *endpoint) putManifest(ctx context.Context, repo, name, kind string, body []byte) (http.Header, error) {
	return retry(ctx, e, func(ctx context.Context) (http.Header, error) {
		resp, err := e.once(ctx, request{
			method: http.MethodPut, path: repo + "/manifests/" + name, repo: repo,
			write: &write{kind: kind, body: body, want: http.StatusCreated},
		})
		if err != nil {
			return nil, err
		}
		return resp.Header, resp.Body.Close()
	})
}

// addToTag adds d, the manifest of a, to the index under the fallback tag. There is no way to do so in
// one step: what others write at the same time may be lost, so it is read again
// until d is in it. A tag that holds anything else is left alone.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
func (e *endpoint) addToTag(ctx context.Context, r ref.Ref, a Artifact, d ref.Descriptor) error {
	subject := a.Subject.Digest
	for range 1 + max(1, e.s.o.Retries) {
		list, err := e.readTag(ctx, r, subject)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(l ref.Descriptor) bool { return l.Digest == d.Digest }) {
			return nil
		}
		if len(list) >= limits.Referrers {
			return &limits.ExceededError{What: "number of referrers", Limit: limits.Referrers}
		}
		body, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": mediaTypeIndex, "manifests": append(list, d)})
		if err != nil {
			return err
		}
		a.pushes(body)
		if _, err := e.putManifest(ctx, r.Repository(), fallbackTag(subject), mediaTypeIndex, body); err != nil {
			return err
		}
	}
	list, err := e.readTag(ctx, r, subject)
	if err == nil && !slices.ContainsFunc(list, func(l ref.Descriptor) bool { return l.Digest == d.Digest }) {
		err = errRaced
	}
	return err
}
