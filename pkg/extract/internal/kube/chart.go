package kube

import (
	"path"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// charted says that a chart is elsewhere, so that nobody knows here what it
// renders. It would also settle what is unresolved among the images from before
// on, which are values of it.
func (w *walk) charted(before int, name, version yamlpos.Node) {
	if name.String() == "" {
		return
	}
	// A chart's name in an OCI repository may be a path.
	chart := extract.Chart{Path: path.Base(name.String()), Version: version.String()}
	for i := before; i < len(w.images); i++ {
		if w.images[i].Unresolved != "" {
			w.images[i].Chart = chart
		}
	}
	raw := name.String()
	if v := version.String(); v != "" {
		raw += ":" + v
	}
	w.in(func() {
		f := extract.Found{Raw: raw, Kind: ref.KindArtifact, Origin: name.Origin(w.file, w.at()), Ignored: name.Ignored(), Chart: chart,
			Unresolved: "a chart that is elsewhere and is not rendered here: --rendered takes a folder of what you render"}
		w.add(f, true)
	}, "chart")
}
