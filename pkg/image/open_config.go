package image

import (
	"context"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// configs fetches the config of every image among the children, and that of a
// root that is no index, whatever it is.
func (o *opener) configs(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(o.jobs())
	for _, c := range o.img.Children {
		if c.Class != fact.ClassImage && c.Manifest != o.img.Root || c.Manifest == nil || !c.Manifest.Right() || c.Manifest.Manifest.Config == nil {
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
		return // what it says is no concern of ours
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
