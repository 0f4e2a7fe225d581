package checks

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/fact"
)

// A Plan says whether a container can run with a read-only root file system, and
// what it needs to be able to write then.
type Plan struct {
	// NotApplicable says why there is nothing to plan; "" = there is.
	NotApplicable string
	// Done is set if its root file system is read-only already.
	Done bool
	// Feasible is unknown if Unknown says what was not looked at and decides.
	Feasible fact.Tri
	// Mounts are the directories that need a volume of their own, sorted by path.
	Mounts []PlannedMount
	// Against says what it does that a read-only root and Mounts do not allow.
	Against []string
	// Remarks are worth reading before it is tried.
	Remarks []string
	// Unknown says what was not looked at, so that mounts may be missing.
	Unknown []string
}

// A PlannedMount is one directory that has to be writable.
type PlannedMount struct {
	Path string   // absolute and clean
	Why  []string // "VOLUME of the image", "app (1000) can write it in the image"
	// Hides counts what the image has there and an empty volume would hide; -1 = not
	// known.
	Hides int
}

// ReadOnlyRoot plans a read-only root for the container of s, from what the image
// lets its user write, from its VOLUMEs, and from what it was seen to write. It
// needs the facts settings, config, user and filesystem, and uses container and
// changes.
func ReadOnlyRoot(s *fact.Set) Plan {
	p := &planner{s: s, at: map[string]*PlannedMount{}}
	switch {
	case s.Settings.State != fact.Known:
		p.NotApplicable = "there are no settings of a container"
	case noProcess(s) != "":
		p.NotApplicable = noProcess(s)
	case onWindows(s):
		p.NotApplicable = "windows container"
	case s.Container.State == fact.Known && s.Container.V.Role == fact.RoleEphemeral:
		p.NotApplicable = "an ephemeral container is in no template"
	case s.Settings.V.ReadOnlyRoot:
		p.Done, p.Feasible = true, fact.Yes
	default:
		p.plan()
	}
	return p.Plan
}

type planner struct {
	Plan
	s  *fact.Set
	at map[string]*PlannedMount
	// decides is set if what is unknown decides.
	decides bool
}

func (p *planner) plan() {
	who, why := processOf(p.s)
	if why != "" {
		p.unknown("who runs", fact.Status{Why: why})
	}
	p.volumes()
	written, whole := p.written()
	p.open(who, written, whole)
	if why == "" && who.uid == 0 {
		p.Remarks = append(p.Remarks, "it runs as root, which can write everywhere: listed are VOLUMEs, directories that everyone can write, and what it was seen to write")
		p.decides = p.decides || !whole
	}
	p.collect()
	switch {
	case len(p.Against) > 0:
		p.Feasible = fact.No
	case !p.decides:
		p.Feasible = fact.Yes
	}
}

// unknown notes a fact that decides and is not known.
func (p *planner) unknown(what string, st fact.Status) {
	if st.Why != "" {
		what += ": " + st.Why
	}
	p.Unknown, p.decides = append(p.Unknown, what), true
}

// volumes plans for the VOLUMEs of the image, which the program means to write.
func (p *planner) volumes() {
	if p.s.Config.State != fact.Known {
		p.unknown("the VOLUMEs of the image", p.s.Config.Status())
		return
	}
	for _, v := range p.s.Config.V.Volumes {
		at := cleanPath(fact.Bytes(v))
		if code := p.codeAt(at); code != "" && !p.provided(at) {
			p.Remarks = append(p.Remarks, fmt.Sprintf("the VOLUME %s %s: the runtime keeps it writable under a read-only root (SET002)", show(at), code))
			continue
		}
		p.need(at, "VOLUME of the image", -1)
	}
}

// open plans for the directories of the image that the user can write. One that
// the image keeps something in is left as it is if the container was seen not to
// write there; an empty volume would hide that.
func (p *planner) open(who process, written []string, whole bool) {
	t := p.s.Filesystem
	switch {
	case t.State != fact.Known:
		p.unknown("what the user can write in the image", t.Status())
		return
	case t.V.Open.State != fact.Known:
		p.unknown("what the user can write in the image", fact.Status{Why: t.V.Open.Why})
		return
	case t.V.Code.State != fact.Known:
		p.unknown("where the image keeps its code", t.V.Code.Status())
		return
	case who.name == "":
		return
	}
	for _, part := range t.V.Open.Parts {
		d, at := part.V, cleanPath(part.V.Path)
		if part.State != fact.Known || !who.writes(d) || p.provided(at) {
			continue
		}
		scratch := d.Mode&0o1002 == 0o1002
		wrote := slices.ContainsFunc(written, func(file string) bool { return below(file, at) })
		switch code := p.codeAt(at); {
		case code != "":
			p.Remarks = append(p.Remarks, fmt.Sprintf("%s can write %s, which %s: it stays read-only; a directory in it that has to be written needs a mount of its own",
				who.name, show(at), code))
		case d.Files == 0 || scratch || wrote:
			p.need(at, who.name+" can write it in the image", d.Files)
		case whole:
			p.Remarks = append(p.Remarks, fmt.Sprintf("%s can write %s and was not seen to: it stays read-only, with the %s that the image has there", who.name, show(at), plural(d.Files, "path")))
		default:
			p.unknown(fmt.Sprintf("whether %s writes %s, where the image has %s: if so, it needs a volume that brings them", who.name, show(at), plural(d.Files, "path")), fact.Status{})
		}
	}
}

// need plans a mount. hides is -1 if it is not known.
func (p *planner) need(at, why string, hides int) {
	if p.provided(at) {
		return
	}
	if !mountable(at) {
		p.Against = append(p.Against, fmt.Sprintf("it may have to write %q (%s), where no volume can be mounted", at, why))
		return
	}
	m, ok := p.at[at]
	if !ok {
		m = &PlannedMount{Path: at, Hides: -1}
		p.at[at] = m
	}
	if !slices.Contains(m.Why, why) {
		m.Why = append(m.Why, why)
	}
	m.Hides = max(m.Hides, hides)
}

// mountable reports whether Kubernetes takes p for the path of a mount.
func mountable(p string) bool {
	for _, r := range p {
		if r == ':' || r == utf8.RuneError || !strconv.IsPrint(r) {
			return false
		}
	}
	return p != "/"
}

// provided reports whether something else lies at a path than the image: a mount,
// or what the runtime mounts itself.
func (p *planner) provided(at string) bool {
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if below(at, dir) {
			return true
		}
	}
	return deepest(p.s.Settings.V.Mounts, at) != ""
}

// codeAt says what code an empty volume at a path would hide, such as "holds
// /app/server, which the image runs", or "".
func (p *planner) codeAt(at string) string {
	why := wellKnown(at)
	if c := p.s.Config; c.State == fact.Known && why == "" {
		why = configured(c.V, at, func(file string) bool { return below(file, at) })
	}
	for _, say := range [][2]string{{"which ", ""}, {"over ", "holds "}, {"in ", "is in "}, {"an ", "is an "}} {
		if rest, ok := strings.CutPrefix(why, say[0]); ok {
			return say[1] + rest
		}
	}
	t := p.s.Filesystem
	if t.State != fact.Known {
		return ""
	}
	if program := string(t.V.Entrypoint.Program); program != "" && below(program, at) {
		return "holds " + show(program)
	}
	for _, file := range t.V.Code.V.Paths {
		if below(cleanPath(file), at) {
			return "holds code (" + show(cleanPath(file)) + ")"
		}
	}
	return ""
}

// collect sorts the mounts and leaves out those within another.
func (p *planner) collect() {
	for at, m := range p.at {
		inner := false
		for other := range p.at {
			inner = inner || other != at && below(at, other)
		}
		if !inner {
			p.Mounts = append(p.Mounts, *m)
		}
	}
	slices.SortFunc(p.Mounts, func(a, b PlannedMount) int { return strings.Compare(a.Path, b.Path) })
}

// within returns the directory of a path that an empty volume can take the place
// of, or why there is none.
func (p *planner) within(file string) (dir, against string) {
	dir = path.Dir(file)
	if dir == "/" {
		return "", "into the root directory, which no volume can take the place of"
	}
	if code := p.codeAt(dir); code != "" {
		return "", fmt.Sprintf("into %s, which %s and which a volume would hide", show(dir), code)
	}
	return dir, ""
}
