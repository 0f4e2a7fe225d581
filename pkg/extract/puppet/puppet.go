// Package puppet finds the images that Puppet manifests run, and what they
// change on hosts and in containers in place, where a manifest says so plainly:
// in literal texts.
//
// https://forge.puppet.com/modules/puppetlabs/docker/reference
package puppet

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/plaintext"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads manifests.
type Extractor struct{}

// Match goes by the name: *.pp.
func (Extractor) Match(p string, _ []byte) bool { return strings.HasSuffix(p, ".pp") }

// Extract reads one manifest.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	f, err := plaintext.Open(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	e := &extraction{file: f, s: string(f.Data)}
	all, open := resources(e.s)
	for _, r := range all {
		e.resource(r)
	}
	out := extract.Result{Found: f.Found(e.refs), Objects: e.objects}
	if open >= 0 {
		out.Problems = append(out.Problems, f.Problem(open, "a text is not closed: what follows could not be read"))
	}
	return out, nil
}

type extraction struct {
	file    *plaintext.File
	s       string
	refs    []written.Reference
	objects []extract.Object
}

// execs are commands that change a running container from its host.
var execs = lazy.Regexp(`(?:^|[\s;&|(/])(docker|podman|nerdctl|kubectl|oc)\s+(?:container\s+)?(exec|cp)\s`)

func (e *extraction) resource(r resource) {
	is := e.s[r.is.start:r.is.end]
	switch strings.TrimPrefix(is, "::") {
	case "docker::run":
		if image, ok := r.attributes["image"]; ok {
			e.image(image, nil, "image", "")
		}
	case "docker::image":
		e.pulled(r)
	case "docker::exec":
		e.object(r, "command "+e.say(r, "command"), "container "+e.say(r, "container"))
	case "package":
		if e.say(r, "ensure") != "absent" {
			e.object(r, "package "+e.say(r, "name"), "hosts of the manifest")
		}
	case "exec":
		if m := execs().FindStringSubmatch(e.say(r, "command")); m != nil {
			e.object(r, "command "+e.say(r, "command"), fmt.Sprintf("a container, by %s %s", m[1], m[2]))
		}
	}
}

// pulled reads an image that is pulled. One that is made from a Dockerfile or
// from a file is none.
func (e *extraction) pulled(r resource) {
	for _, key := range []string{"docker_file", "docker_dir", "docker_tar"} {
		if _, ok := r.attributes[key]; ok {
			return
		}
	}
	if e.say(r, "ensure") == "absent" {
		return
	}
	names := r.titles
	if image, ok := r.attributes["image"]; ok {
		names = []token{image}
	}
	for _, name := range names {
		if digest, ok := r.attributes["image_digest"]; ok {
			e.image(name, &digest, "image_digest", "@")
			continue
		}
		if tag, ok := r.attributes["image_tag"]; ok {
			e.image(name, &tag, "image_tag", ":")
			continue
		}
		e.image(name, nil, "image", "")
	}
}

// image adds what a name and its tag or digest say.
func (e *extraction) image(name token, tag *token, path, between string) {
	v := e.value(name)
	if tag != nil && v.Unresolved == "" {
		t := e.value(*tag)
		var b written.Builder
		b.Add(v.Text)
		b.Add(written.Made(between))
		b.Add(t.Text)
		v = written.Value{Text: b.Text(), Unresolved: t.Unresolved}
	}
	f := v.Found(ref.KindImage, written.Use{File: e.file.File, Offset: name.start, Path: path})
	f.Ignored = e.file.Ignored(name.start)
	e.refs = append(e.refs, written.Reference{Found: f, Text: v.Text})
}

func (e *extraction) value(t token) written.Value {
	v := e.file.Text(t.start, t.end)
	if t.kind == text {
		return written.Known(v)
	}
	return written.Unknown(v, "what %q is, is not evaluated", e.s[t.start:t.end])
}

// say is an attribute as it is written; without one, the titles.
func (e *extraction) say(r resource, key string) string {
	if t, ok := r.attributes[key]; ok {
		return e.s[t.start:t.end]
	}
	if key == "ensure" || key == "container" {
		return ""
	}
	var out []string
	for _, t := range r.titles {
		out = append(out, e.s[t.start:t.end])
	}
	return strings.Join(out, ",")
}

// maxSaid bounds what is repeated of a file.
const maxSaid = 200

func (e *extraction) object(r resource, action, on string) {
	at := r.titles[0].start
	what := strings.TrimSpace(strings.Join(strings.Fields(action), " "))
	if len(what) > maxSaid {
		what = strings.ToValidUTF8(what[:maxSaid], "") + "…"
	}
	e.objects = append(e.objects, extract.Object{
		Origin:  e.file.Origin(at, ""),
		Fact:    fact.Object{Kind: fact.ObjectPlay, Type: e.s[r.is.start:r.is.end], Name: e.s[r.titles[0].start:r.titles[0].end], Action: what, On: strings.TrimSpace(on)},
		Ignored: e.file.Ignored(at),
	})
}
