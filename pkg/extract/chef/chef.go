// Package chef finds the images that Chef recipes run, and what they change on
// hosts and in containers in place, where a recipe says so plainly: a resource at
// the beginning of a line, with literal texts.
//
// https://github.com/sous-chefs/docker/tree/main/documentation
package chef

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

// An Extractor reads recipes and custom resources.
type Extractor struct{}

var (
	recipePath = lazy.Regexp(`(?:^|/)(?:recipes|resources)/(?:.*/)?[^/]+\.rb$`)
	words      = lazy.Regexp(`(?m)^[ \t]*(?:docker_(?:container|image|swarm_service|exec)|[a-z]*_?package|execute|bash|script)\b`)
)

// Match goes by the path; a file has to hold a resource, if all of it is seen.
func (Extractor) Match(p string, head []byte) bool {
	return recipePath().MatchString(p) && (len(head) >= extract.HeadSize || words().Match(head))
}

// Extract reads one recipe.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	f, err := plaintext.Open(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	e := &extraction{file: f}
	all, open := resources(f.File)
	for _, r := range all {
		e.resource(r)
	}
	out := extract.Result{Found: f.Found(e.refs), Objects: e.objects}
	if open >= 0 {
		out.Problems = append(out.Problems, f.Problem(open, "a text or comment is not closed: what follows could not be read"))
	}
	return out, nil
}

type extraction struct {
	file    *plaintext.File
	refs    []written.Reference
	objects []extract.Object
}

// execs are commands that change a running container from its host.
var execs = lazy.Regexp(`(?:^|[\s;&|(/])(docker|podman|nerdctl|kubectl|oc)\s+(?:container\s+)?(exec|cp)\s`)

func (e *extraction) resource(r resource) {
	action := e.text(r.properties["action"])
	switch r.kind {
	case "docker_container":
		if _, ok := r.properties["repo"]; !ok && !strings.Contains(action, "run") && action != "" {
			return // it stops or removes one; the image is not named
		}
		e.image(r, "repo")
	case "docker_image":
		for _, other := range []string{"build", "import", "load", "save", "push", "remove"} {
			if strings.Contains(action, other) {
				return
			}
		}
		e.image(r, "repo")
	case "docker_swarm_service":
		e.image(r, "image")
	case "docker_exec":
		e.object(r, "command "+e.text(r.properties["command"]), "container "+e.text(r.properties["container"]))
	case "execute", "bash", "script":
		command := e.text(r.name)
		for _, key := range []string{"command", "code"} {
			if c, ok := r.properties[key]; ok {
				command = e.text(c)
			}
		}
		command += " " + e.text(r.properties["heredoc"])
		if m := execs().FindStringSubmatch(command); m != nil {
			e.object(r, "command "+command, fmt.Sprintf("a container, by %s %s", m[1], m[2]))
		}
	default:
		if !strings.Contains(action, "remove") && !strings.Contains(action, "purge") {
			name := r.name
			if n, ok := r.properties["package_name"]; ok {
				name = n
			}
			e.object(r, "package "+strings.Trim(e.text(name), "%w()[]"), "hosts of the recipe")
		}
	}
}

// image adds what a resource's repository and tag say. Without a repository it
// is the resource's name.
func (e *extraction) image(r resource, key string) {
	name, ok := r.properties[key]
	if !ok {
		name, key = r.name, ""
	}
	v := e.value(name)
	if tag, ok := r.properties["tag"]; ok && v.Unresolved == "" {
		t := e.value(tag)
		var b written.Builder
		b.Add(v.Text)
		b.Add(written.Made(":"))
		b.Add(t.Text)
		v = written.Value{Text: b.Text(), Unresolved: t.Unresolved}
	}
	f := v.Found(ref.KindImage, written.Use{File: e.file.File, Offset: name.start, Path: key})
	f.Ignored = e.file.Ignored(name.start)
	e.refs = append(e.refs, written.Reference{Found: f, Text: v.Text})
}

func (e *extraction) value(s span) written.Value {
	t := e.file.Text(s.start, s.end)
	if s.literal {
		return written.Known(t)
	}
	return written.Unknown(t, "what %q is, is not evaluated", t.String())
}

func (e *extraction) text(s span) string { return string(e.file.Data[s.start:s.end]) }

// maxSaid bounds what is repeated of a file.
const maxSaid = 200

func (e *extraction) object(r resource, action, on string) {
	what := strings.Join(strings.Fields(action), " ")
	if len(what) > maxSaid {
		what = strings.ToValidUTF8(what[:maxSaid], "") + "…"
	}
	e.objects = append(e.objects, extract.Object{
		Origin:  e.file.Origin(r.at, ""),
		Fact:    fact.Object{Kind: fact.ObjectPlay, Type: r.kind, Name: e.text(r.name), Action: what, On: strings.TrimSpace(on)},
		Ignored: e.file.Ignored(r.at),
	})
}
