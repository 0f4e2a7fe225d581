package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Referrers implements [image.Referrer]: the manifests listed in index.json, or
// in an index listed there, whose subject is d. The form is fact.FormLayout.
func (l *Layout) Referrers(ctx context.Context, _ ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error) {
	w, err := l.walk(ctx)
	if err != nil {
		return nil, fact.FormLayout, l.fail("list referrers", string(d), err)
	}
	return append([]ref.Descriptor(nil), w.subjects[d]...), fact.FormLayout, nil
}

// walk reads every manifest that the layout lists, once, and returns what they
// say of themselves. A failure is kept as well: what is too large or cannot be read
// is not tried again for every subject. Only a caller that gave up leaves nothing.
func (l *Layout) walk(ctx context.Context) (walked, error) {
	select {
	case l.walking <- struct{}{}:
		defer func() { <-l.walking }()
	case <-ctx.Done():
		return walked{}, ctx.Err()
	}
	if l.done {
		return l.walked, l.walkErr
	}
	w := walker{layout: l, seen: map[ref.Digest]bool{}, walked: walked{map[ref.Digest][]ref.Descriptor{}, map[ref.Digest]bool{}}}
	err := w.list(ctx, l.entries, 0)
	if err != nil && ctx.Err() != nil {
		return walked{}, err
	}
	l.done, l.walkErr = true, err
	if err == nil {
		l.walked = w.walked
	}
	return l.walked, l.walkErr
}

// walked is what manifests say of themselves.
type walked struct {
	subjects map[ref.Digest][]ref.Descriptor // by what they refer to
	runs     map[ref.Digest]bool             // of those in index.json: see [image.MayRun]
}

type walker struct {
	layout *Layout
	seen   map[ref.Digest]bool
	bytes  int64 // read
	walked
}

// untrustedManifest is what of a manifest or index says where it belongs.
type untrustedManifest struct {
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
	Config       struct {
		MediaType string `json:"mediaType"`
	} `json:"config"`
	Subject   *ref.Descriptor  `json:"subject"`
	Manifests []ref.Descriptor `json:"manifests"`
}

func (w *walker) list(ctx context.Context, all []ref.Descriptor, depth int) error {
	for _, d := range all {
		if _, err := ref.ParseDigest(string(d.Digest)); err != nil || w.seen[d.Digest] {
			continue
		}
		if len(w.seen) >= limits.LayoutManifests {
			return &limits.ExceededError{What: "number of manifests in the layout", Limit: limits.LayoutManifests}
		}
		w.seen[d.Digest] = true
		if err := w.manifest(ctx, d, depth); err != nil {
			return err
		}
	}
	return nil
}

// manifest notes one manifest's subject. A blob that is not there cannot be a
// signature, and one that is no JSON object has no subject; what cannot be read
// could be either, and is an error.
func (w *walker) manifest(ctx context.Context, d ref.Descriptor, depth int) error {
	b, err := w.layout.read(ctx, blobName(d.Digest), "manifest size", limits.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if w.bytes += int64(len(b)); w.bytes > limits.LayoutManifestBytes {
		return &limits.ExceededError{What: "size of all manifests in the layout", Limit: limits.LayoutManifestBytes}
	}
	if depth == 0 && image.MayRun(b) {
		w.runs[d.Digest] = true
	}
	var m untrustedManifest
	if json.Unmarshal(b, &m) != nil {
		return nil
	}
	if m.Subject != nil && m.Subject.Digest != "" {
		w.subjects[m.Subject.Digest] = append(w.subjects[m.Subject.Digest], describeReferrer(d, m))
	}
	if len(m.Manifests) == 0 {
		return nil
	}
	if depth >= limits.IndexDepth {
		return &limits.ExceededError{What: "depth of nested indexes", Limit: limits.IndexDepth, Got: int64(depth + 1)}
	}
	return w.list(ctx, m.Manifests, depth+1)
}

// describeReferrer fills in what a registry's referrers list would say.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func describeReferrer(d ref.Descriptor, m untrustedManifest) ref.Descriptor {
	if d.ArtifactType == "" {
		d.ArtifactType = m.ArtifactType
	}
	if d.ArtifactType == "" {
		d.ArtifactType = m.Config.MediaType
	}
	if d.Annotations == nil {
		d.Annotations = m.Annotations
	}
	return d
}
