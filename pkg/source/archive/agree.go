package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
	"github.com/intact-dev/intact/pkg/ref"
)

// repositoriesFile names the images of the oldest form, by which engines load an
// archive without manifest.json.
const repositoriesFile = "repositories"

// agree refuses an archive in which an image of manifest.json is none that the
// index lists, or another one than the index says of its name. Docker without
// containerd's image store loads by manifest.json whatever the index says. A
// config says by its diffIDs what the layers are, and whoever loads them compares.
func agree(ctx context.Context, t *tree, l *ocilayout.Layout) error {
	if !t.has(dockerManifest) {
		if t.has(repositoriesFile) {
			return malformed("beside index.json it has %s and no %s: engines load one or the other", repositoriesFile, dockerManifest)
		}
		return nil
	}
	images, err := savedImages(ctx, t)
	if err != nil {
		return err
	}
	c := configs{layout: l, of: map[ref.Digest]map[ref.Digest]bool{}, all: map[ref.Digest]bool{}}
	for _, e := range l.Entries() {
		if c.of[e.Digest] != nil {
			continue
		}
		c.of[e.Digest] = map[ref.Digest]bool{}
		if err := c.add(ctx, e.Digest, e.Digest, 0); err != nil {
			return err
		}
	}
	for _, img := range images {
		b, err := t.read(ctx, clean(img.Config), limits.Config)
		if err != nil {
			return fmt.Errorf("%s: config: %w", dockerManifest, err)
		}
		is := []ref.Digest{ref.DigestOf(b, ""), ref.DigestOf(b, "sha512:")}
		if !has(c.all, is) {
			return malformed("index.json lists no image with the config %.200q, and %s does: engines load one or the other", img.Config, dockerManifest)
		}
		for _, tag := range img.RepoTags {
			r, err := ref.Parse(tag)
			if err != nil {
				continue // no engine takes it for a name
			}
			if e, ok := l.Named(r); ok && !has(c.of[e.Digest], is) {
				return malformed("%.200q is another image in index.json than in %s: engines load one or the other", tag, dockerManifest)
			}
		}
	}
	return nil
}

// has reports whether one of several digests of one document is among those.
func has(among map[ref.Digest]bool, is []ref.Digest) bool {
	return slices.ContainsFunc(is, func(d ref.Digest) bool { return among[d] })
}

// configs are the configs of all images below each entry of an index.
type configs struct {
	layout *ocilayout.Layout
	of     map[ref.Digest]map[ref.Digest]bool
	all    map[ref.Digest]bool
	n      int
}

func (c *configs) add(ctx context.Context, entry, d ref.Digest, depth int) error {
	if c.n++; c.n > limits.LayoutManifests || depth > limits.IndexDepth {
		return &limits.ExceededError{What: "number of manifests in the archive", Limit: limits.LayoutManifests}
	}
	a, err := c.layout.Manifest(ctx, ref.Ref{Digest: d})
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
		return nil // an index may list platforms that were not saved
	case err != nil:
		return err
	}
	var m struct {
		Config    struct{ Digest ref.Digest }
		Manifests []struct{ Digest ref.Digest }
	}
	if json.Unmarshal(a.Body, &m) != nil {
		return nil
	}
	if m.Config.Digest != "" {
		c.of[entry][m.Config.Digest], c.all[m.Config.Digest] = true, true
	}
	for _, child := range m.Manifests {
		if _, err := ref.ParseDigest(string(child.Digest)); err != nil {
			continue
		}
		if err := c.add(ctx, entry, child.Digest, depth+1); err != nil {
			return err
		}
	}
	return nil
}
