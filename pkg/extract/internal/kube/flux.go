package kube

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// ociRepository reads an artifact that Flux follows: by digest, else by a range of
// versions, else by tag, else latest.
//
// https://fluxcd.io/flux/components/source/ocirepositories/#reference
func (w *walk) ociRepository(spec yamlpos.Node) {
	url, r := spec.Get("url"), spec.Get("ref")
	digest, semver, tag := r.Get("digest"), r.Get("semver"), r.Get("tag")
	address := strings.TrimPrefix(url.String(), "oci://")
	if address == "" {
		return
	}
	raw, at, key := address, url, "url"
	if t := tag.String(); t != "" {
		raw, at, key = raw+":"+t, tag, "tag"
	}
	if s := semver.String(); s != "" && digest.String() == "" {
		raw, at, key = address+":"+s, semver, "semver"
	}
	if d := digest.String(); d != "" {
		raw, at, key = raw+"@"+d, digest, "digest"
	}
	path := []string{"ref", key}
	if key == "url" {
		path = path[1:]
	}
	w.in(func() {
		f := w.found(at, raw, ref.KindArtifact)
		if key != "url" {
			f.Related = append(f.Related, url.Origin(w.file, ""))
		}
		switch {
		case key == "semver":
			f.Ref, f.Unresolved = ref.Ref{}, "a range of versions: "+semver.String()
		case f.Unresolved != "":
		case key == "digest":
			f.Site = digest.Site(w.file, extract.StyleDigest)
		case key == "tag":
			f.Site = r.Beside(w.file, extract.StyleDigest, "tag", "digest")
		}
		w.add(f, true)
	}, path...)
}

// helmRelease reads what a release sets in its chart. A chart in a Git repository
// or bucket is a path there.
//
// https://fluxcd.io/flux/components/helm/helmreleases/#chart-template
func (w *walk) helmRelease(spec yamlpos.Node) {
	before := len(w.images)
	chart := spec.Get("chart", "spec")
	name, version := chart.Get("chart"), chart.Get("version")
	if other := spec.Get("chartRef", "name"); name.IsZero() {
		name = other
	} else if kind := chart.Get("sourceRef", "kind").String(); kind == "GitRepository" || kind == "Bucket" {
		name = yamlpos.Node{}
	}
	defer func() { w.charted(before, name, version) }()
	w.in(func() { w.values(spec.Get("values"), "") }, "values")
	w.in(func() {
		w.each(spec.Get("postRenderers"), func(p yamlpos.Node) {
			w.in(func() { w.each(p.Get("kustomize", "images"), w.override) }, "kustomize", "images")
			for _, key := range []string{"patches", "patchesJson6902"} {
				w.in(func() { w.patches(p.Get("kustomize", key)) }, "kustomize", key)
			}
		})
	}, "postRenderers")
}

// Override reads an entry of images, at path in a file: what takes the place of
// an image. It is unresolved if the entry leaves the tag as it is.
func Override(file, path string, n yamlpos.Node) (extract.Found, bool) {
	w := &walk{reader: &Reader{}, file: file}
	w.in(func() { w.override(n) }, path)
	if len(w.images) == 0 {
		return extract.Found{}, false
	}
	return w.images[0].Found, true
}

// override reads an entry of images.
func (w *walk) override(n yamlpos.Node) {
	p := parts{name: n.Get("newName"), tag: n.Get("newTag"), digest: n.Get("digest"), missing: "the tag is the one that the overlay has"}
	if p.name.IsZero() {
		p.name = n.Get("name")
	}
	if p.name.String() == "" || n.Get("newName").IsZero() && p.tag.IsZero() && p.digest.IsZero() {
		return
	}
	f, ok := w.composed(p, ref.KindImage)
	if f.Site != nil && p.digest.String() == "" {
		// A digest has a field of its own, which takes the place of the tag.
		f.Site = n.Beside(w.file, extract.StyleDigest, "newTag", "digest")
	}
	w.add(f, ok)
}
