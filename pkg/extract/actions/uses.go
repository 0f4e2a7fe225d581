package actions

import (
	"fmt"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

const dockerScheme = "docker://"

// A commit is named by all of its hash; anything shorter, or a name, can move.
var commit = lazy.Regexp(`^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$`)

// uses reads what a step or job uses: an image, an action or workflow of a
// repository at a revision, or one of this repository.
func (e *extraction) uses(n yamlpos.Node, at string, c contexts) {
	s, ok := n.Text()
	switch {
	case n.IsZero():
	case !ok:
		e.r.Problem(n, at, "what is used is a text; this is none")
	case strings.HasPrefix(s, dockerScheme):
		e.image(n, at, c, len(dockerScheme))
	case s == "." || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "$/"):
		if !e.local(strings.TrimPrefix(s, "$/"), c.checkouts) {
			e.r.Add(n, at, ref.KindAction, written.Unknown(e.r.Text(n), "the local action %q is not here", s))
		}
	case strings.Contains(s, "${{"):
		e.r.Add(n, at, ref.KindAction, written.Unknown(e.r.Text(n), "an action is named by a text alone, without expressions"))
	default:
		e.remote(n, at, s)
	}
}

// remote is an action or reusable workflow of a repository.
func (e *extraction) remote(n yamlpos.Node, at, s string) {
	name, revision, ok := strings.Cut(s, "@")
	if !ok || name == "" || revision == "" {
		e.r.Add(n, at, ref.KindAction, written.Unknown(e.r.Text(n), "%q names no revision of an action", s))
		return
	}
	found := e.r.Add(n, at, ref.KindAction, written.Known(e.r.Text(n)))
	if found == nil {
		return
	}
	found.Raw = s
	found.Class = ref.Floating
	if commit().MatchString(revision) {
		found.Class = ref.Fixed
	}
	found.Site = e.r.Part(n, extract.StyleCommit, len(name)+1, len(s))
	// The place of the whole.
	found.Origin = n.Origin(e.file.Path, at)
}

// local reports whether an action or workflow of this repository is there. The
// metadata of an action does not know where the repository begins, and a job may
// have put the repository into a folder.
func (e *extraction) local(s string, checkouts []string) bool {
	roots := []string{e.root}
	if metadata(e.file.Path) {
		for dir := path.Dir(e.file.Path); dir != "."; dir = path.Dir(dir) {
			roots = append(roots, dir)
		}
	}
	paths := []string{s}
	for _, checkout := range checkouts {
		if inner, ok := strings.CutPrefix(path.Clean(s)+"/", checkout+"/"); ok {
			paths = append(paths, inner)
		}
	}
	for _, root := range roots {
		for _, s := range paths {
			p := path.Join(root, s)
			for _, name := range []string{p, path.Join(p, "action.yml"), path.Join(p, "action.yaml"), path.Join(p, "Dockerfile")} {
				if e.r.Exists(name) {
					return true
				}
			}
		}
	}
	return false
}

// checkouts are the folders that a job's steps put this repository into.
func checkouts(steps yamlpos.Node) []string {
	var out []string
	for _, step := range steps.Items() {
		with := step.Get("with")
		to := with.Get("path").String()
		if to != "" && strings.HasPrefix(step.Get("uses").String(), "actions/checkout@") && with.Get("repository").IsZero() {
			out = append(out, path.Clean(to))
		}
	}
	return out
}

// word is how a context's value is mentioned.
func word(context, name string) string { return fmt.Sprintf("%s.%s", context, name) }
