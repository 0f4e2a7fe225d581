package checks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// changedFiles makes a check of the files of some kinds that a container changed.
func changedFiles(c check.Check, fix func(*changeGroup, *fact.Set) string, kinds ...fact.FileKind) check.Check {
	c.Scopes = containerScopes()
	c.Needs = []fact.Kind{fact.KContainer, fact.KChanges}
	c.Uses = []fact.Kind{fact.KSettings, fact.KReference}
	c.Run = func(s *fact.Set) check.Answer {
		switch {
		case s.Container.State != fact.Known:
			return notTold(nothingRuns)
		case s.Container.V.Role == fact.RoleVolume:
			return notTold("an image volume has no writable layer")
		case s.Changes.State == fact.Absent:
			return notTold(nothingRuns)
		}
		var out []check.Finding
		for _, g := range groupChanges(s.Changes, kinds) {
			f := check.Finding{
				Message: g.message(), Fix: fix(g, s), Origin: whereOf(s),
				Paths: g.paths[:min(len(g.paths), maxGroupPaths)], Dir: g.dir, Count: len(g.paths), Detail: g.what,
			}
			if g.kind != fact.FileData { // which changes as long as it runs
				f.States, f.AllStates = g.states()
			}
			out = append(out, f)
		}
		return check.Answer{Findings: out}
	}
	return c
}

// Bounds of what is told of many changes: a group names some of its paths and
// counts the rest; more groups than these of one kind of change become one.
const (
	maxGroupPaths   = 64
	maxChangeGroups = 32
)

// A changeGroup is changes of one sort, in one part of the tree.
type changeGroup struct {
	what    string
	kind    fact.FileKind
	claimed bool
	top     string // the part

	first []fact.FileChange // up to listed
	paths []fact.Bytes
	now   map[fact.Bytes]string // their states, see [check.Finding]
	dir   fact.Bytes            // holds all of them
}

// groupChanges gathers the changes of some kinds by what happened, and by the
// first directory, or the first two below /usr and its like.
func groupChanges(l fact.List[fact.FileChange], kinds []fact.FileKind) []*changeGroup {
	type key struct {
		what    string
		kind    fact.FileKind
		claimed bool
		top     string
	}
	groups, tops := map[key]*changeGroup{}, map[key]map[string]bool{}
	for _, p := range l.Parts {
		if p.State != fact.Known || !slices.Contains(kinds, p.V.Kind) {
			continue
		}
		k := key{p.V.What, p.V.Kind, p.V.Claimed, ""}
		if tops[k] == nil {
			tops[k] = map[string]bool{}
		}
		tops[k][partOf(p.V.Path)] = true
	}
	for _, p := range l.Parts {
		if p.State != fact.Known || !slices.Contains(kinds, p.V.Kind) {
			continue
		}
		f := p.V
		k := key{f.What, f.Kind, f.Claimed, ""}
		if len(tops[k]) <= maxChangeGroups {
			k.top = partOf(f.Path)
		}
		g := groups[k]
		if g == nil {
			g = &changeGroup{what: k.what, kind: k.kind, claimed: k.claimed, top: k.top}
			groups[k] = g
		}
		if len(g.first) < listed {
			g.first = append(g.first, f)
		}
		g.paths = append(g.paths, f.Path)
		if state := strings.TrimSpace(string(f.Digest) + " " + f.Detail); state != "" {
			if g.now == nil {
				g.now = map[fact.Bytes]string{}
			}
			g.now[f.Path] = state
		}
	}
	var out []*changeGroup
	for _, g := range groups {
		slices.Sort(g.paths)
		g.dir = commonDir(g.paths)
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *changeGroup) int {
		return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.kind, b.kind), cmp.Compare(a.what, b.what), compareBool(a.claimed, b.claimed))
	})
	return out
}

// states are those of the paths that are listed and, if that is not all of them, a
// digest of all paths and states.
func (g *changeGroup) states() (each []string, all ref.Digest) {
	if g.now == nil {
		return nil, ""
	}
	for _, p := range g.paths[:min(len(g.paths), maxGroupPaths)] {
		each = append(each, g.now[p])
	}
	if len(each) == len(g.paths) {
		return each, ""
	}
	sum := sha256.New()
	for _, p := range g.paths {
		fmt.Fprintf(sum, "%q %q\n", p, g.now[p])
	}
	return each, ref.Digest("sha256:" + hex.EncodeToString(sum.Sum(nil)))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// partOf returns the part of the tree by which changes are grouped.
func partOf(p fact.Bytes) string {
	dir := path.Dir(absolute(p))
	first, rest, _ := strings.Cut(strings.TrimPrefix(dir, "/"), "/")
	switch first {
	case "usr", "var", "opt", "home", "srv", "mnt":
		second, _, _ := strings.Cut(rest, "/")
		return path.Join("/", first, second)
	}
	return "/" + first
}

// verbs say what happened, in the words of [fact.FileChange].
var verbs = map[string]string{
	"added": "added", "changed": "changed", "removed": "removed", "replaced": "replaced by something else",
	"mode": "given other permissions", "owner": "given to another owner",
}

// message says what happened, and of a few paths what they hold now.
func (g *changeGroup) message() string {
	verb := orElse(verbs[g.what], fmt.Sprintf("%q", g.what))
	s := fmt.Sprintf("%s %s: ", nounOf(g.kind, len(g.paths)), verb)
	if g.claimed {
		s = fmt.Sprintf("%s %s, says the engine: ", nounOf(g.kind, len(g.paths)), verb)
	}
	if len(g.paths) > listed {
		return s + showPaths(g.paths, g.dir, len(g.paths))
	}
	var out []string
	for _, f := range g.first {
		out = append(out, show(string(f.Path))+describeChange(f))
	}
	return s + strings.Join(out, ", ")
}

// describeChange says what is known of one path, in parentheses.
func describeChange(f fact.FileChange) string {
	var out []string
	switch {
	case f.Digest != "" && f.Was != "":
		out = append(out, fmt.Sprintf("%s, was %s", f.Digest.Short(), f.Was.Short()))
	case f.Digest != "":
		out = append(out, f.Digest.Short())
	case f.Was != "":
		out = append(out, "was "+f.Was.Short())
	}
	if f.Detail != "" {
		out = append(out, f.Detail)
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

func nounOf(k fact.FileKind, n int) string {
	one, many := string(k), string(k)+"s"
	switch k {
	case fact.FileLibrary:
		many = "libraries"
	case fact.FileConfiguration, fact.FileData:
		one, many = string(k), string(k)
	}
	if n == 1 {
		return one
	}
	return many
}

// renew is how to get rid of what was written, for good.
func renew(s *fact.Set) string {
	c := s.Container.V
	fix := remake(c)
	if c.Static {
		fix = "move the pod's file out of the node's manifest folder and back"
	}
	switch readOnly := s.Settings.State == fact.Known && s.Settings.V.ReadOnlyRoot; {
	case readOnly && isKubernetes(s):
		return fix + "; its root is read-only, so find out who changed it on the node"
	case readOnly:
		return fix + "; its root is read-only, so find out who changed it from outside"
	case isKubernetes(s):
		return fix + ", and set readOnlyRootFilesystem: true"
	}
	return fix + ", with --read-only"
}

// renewFix is the fix of code that changed.
func renewFix(_ *changeGroup, s *fact.Set) string { return renew(s) }

// configurationFix names the way in which configuration may differ.
func configurationFix(_ *changeGroup, s *fact.Set) string {
	fix := renew(s) + "; mount what must differ from the image"
	if isKubernetes(s) {
		fix += ", as a ConfigMap or Secret"
	}
	return fix
}

// dataFix names the mount that what is written needs.
func dataFix(g *changeGroup, s *fact.Set) string {
	mount := "mount a tmpfs or a volume"
	if isKubernetes(s) {
		mount = "mount an emptyDir"
	}
	// A mount hides what the image has there.
	if g.what != "added" || !mayBeMounted(string(g.dir)) {
		return "let the program write in a directory of its own, and " + mount + " there; " + renew(s)
	}
	return mount + " at " + show(string(g.dir)) + " (it hides what the image has there); " + renew(s)
}

// mayBeMounted reports whether a mount at dir is no nonsense in any image.
func mayBeMounted(dir string) bool {
	switch first, rest, deep := strings.Cut(strings.TrimPrefix(dir, "/"), "/"); first {
	case "tmp", "run", "data", "cache", "logs":
		return true
	case "", "bin", "sbin", "etc", "boot", "dev", "proc", "sys":
		return false
	case "usr":
		return false
	case "var":
		return strings.Contains(rest, "/") || rest == "tmp" || rest == "log" || rest == "cache" || rest == "run"
	default:
		return deep && !strings.HasPrefix(first, "lib")
	}
}
