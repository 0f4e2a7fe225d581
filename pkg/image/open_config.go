package image

import (
	"context"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// configs fetches the config of every image among the children and of what could
// be one, and that of a root that is no index, whatever it is.
func (o *opener) configs(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(o.jobs())
	for _, c := range o.img.Children {
		if c.Manifest == nil || !c.Manifest.Right() || c.Manifest.Manifest.Config == nil ||
			c.Class != fact.ClassImage && c.Manifest != o.img.Root && !mayRun(c.Manifest.Manifest) {
			continue
		}
		g.Go(func() error { o.config(ctx, c); return nil })
	}
	_ = g.Wait()
}

func (o *opener) config(ctx context.Context, c *Child) {
	d := *c.Manifest.Manifest.Config
	if err := checkBlob(d, limits.Config, "config"); err != nil {
		c.ConfigErr = err
		return
	}
	raw, kept := o.load(d.Digest)
	digest := d.Digest
	if !kept {
		var err error
		raw, digest, err = FetchBlob(ctx, o.img.Source, o.img.Ref, d, limits.Config, "config")
		if err != nil {
			c.ConfigErr = err
			return
		}
	}
	c.ConfigFromStore = kept
	doc := fact.Document{Role: "config", Wanted: d, Digest: digest, Size: int64(len(raw))}
	c.ConfigDoc = &doc
	if digest != d.Digest {
		return
	}
	if !kept && o.opts.Documents != nil {
		o.opts.Documents.Keep(d.Digest, raw)
	}
	if c.Class != fact.ClassImage {
		if !mayRun(c.Manifest.Manifest) || !namesLayers(raw) {
			return // what it says is no concern of ours
		}
		c.Class, c.Manifest.Doc.Class, c.Manifest.Doc.Role = fact.ClassImage, fact.ClassImage, roleOf(fact.ClassImage)
	}
	c.Config, doc.Problems, c.ConfigOK = ParseConfig(raw, len(c.Manifest.Manifest.Layers))
	c.ConfigOK = c.ConfigOK && !ambiguous(doc.Problems)
	if !c.ConfigOK {
		return
	}
	declared := ref.Platform{OS: c.Platform.OS, Architecture: c.Platform.Architecture}
	got := ref.Platform{OS: c.Config.Platform.OS, Architecture: c.Config.Platform.Architecture}
	switch {
	case c.Platform == (ref.Platform{}) && c.Config.Platform.Unknown():
		// A config alone does not make it something that nobody runs.
	case c.Platform == (ref.Platform{}):
		c.Platform = c.Config.Platform
	case got != declared:
		doc.Problems = append(doc.Problems, fact.Problem{Kind: fact.ProblemMediaType,
			Detail: fmt.Sprintf("the index says %s, the config says %s", declared, got)})
	}
	c.ConfigDoc = &doc
}

// mayRun reports whether some runtime unpacks m if its config is one of an image
// by its content: containerd goes by the layers' types, Podman by the manifest's.
//
// https://github.com/containerd/containerd/blob/v2.4.2/client/image.go
func mayRun(m *Manifest) bool {
	return m.MediaType == TypeDockerManifest || slices.ContainsFunc(m.Layers, func(l ref.Descriptor) bool { return mayBeLayer(l.MediaType) })
}

// namesLayers reports whether raw could be read as the config of an image with
// layers, whatever its media type.
func namesLayers(raw []byte) bool {
	cfg, problems, ok := ParseConfig(raw, 0)
	return ok && (len(cfg.DiffIDs) > 0 || ambiguous(problems))
}
