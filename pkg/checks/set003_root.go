package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func set003() check.Check {
	return check.Check{
		ID:    "SET003",
		Title: "runs as root, or may become root",
		Doc: check.Doc{
			What: "The container's process is root, because the workload says so (`runAsUser: 0`, Docker's `--user`) or because it leaves the user to an image whose `USER` is root. " +
				"Or it may become root: `privileged`, no `allowPrivilegeEscalation: false` (Docker: no `no-new-privileges`), or the capability `SYS_ADMIN`.",
			Why: "Root can change every file of the container that is not on a read-only mount: programs, libraries, configuration, and the means to notice it. With a setuid program in the image an ordinary user is one fault away from that.",
			Fix: "Set `runAsNonRoot: true`, a `runAsUser` that is not 0 unless the image's `USER` is such a number, and `allowPrivilegeEscalation: false`. " +
				"Docker: `--user 65532:65532 --security-opt no-new-privileges`.",
			Limits: "`runAsNonRoot: true` counts as not root: Kubernetes then does not start a root process, and none for a `USER` that is no number. A user namespace (`hostUsers: false`) makes root an ordinary user on the node and changes nothing inside: " +
				"the image's files are still its own. A user that is named, not numbered, is looked up in the image's passwd file, so its layers must have been read. Whether a program in the image really gives away root is not judged: setuid programs are listed where known. " +
				"Not applicable to Windows containers and image volumes.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KSettings, fact.KContainer},
		Uses:   []fact.Kind{fact.KConfig, fact.KUser, fact.KFilesystem, fact.KReference},
		Run:    runSET003,
	}
}

// A runner is who a container's first process is.
type runner struct {
	root   fact.Tri
	says   string // who says so: "runAsUser 1000", "the image's USER is root"
	status fact.Status
}

// runnerOf finds the effective user: what the workload says goes before what the
// image says.
func runnerOf(s *fact.Set) runner {
	set := s.Settings.V
	switch {
	case set.RunAsNonRoot && set.RunAsUser == nil:
		return runner{root: fact.No, says: "runAsNonRoot"}
	case set.RunAsUser != nil:
		// With runAsNonRoot user 0 is never started.
		return runner{root: yesIf(*set.RunAsUser == 0 && !set.RunAsNonRoot), says: fmt.Sprintf("runAsUser %d", *set.RunAsUser)}
	case set.User != "":
		return namedRunner(s, set.User)
	case s.User.State == fact.Known:
		if s.User.V.UID == 0 {
			return runner{root: fact.Yes, says: imageUser(s.User.V.Spec)}
		}
		return runner{root: fact.No, says: "the image's user is " + sayUser(s.User.V)}
	case s.Config.State != fact.Known:
		return runner{status: lost(s.Config.Status(), "the image's config, which names the user, is not known")}
	}
	// Without the passwd file only what needs no look-up can be told.
	if name, _, _ := strings.Cut(s.Config.V.User, ":"); name == "" || name == "0" || name == "root" {
		return runner{root: fact.Yes, says: imageUser(s.Config.V.User)}
	}
	return runner{status: lost(s.User.Status(), fmt.Sprintf("USER %q was not looked up", s.Config.V.User))}
}

func imageUser(spec string) string {
	if spec == "" {
		return "the image sets no USER"
	}
	return fmt.Sprintf("the image's USER %q", spec)
}

// namedRunner is for a user that the workload names as an image does.
func namedRunner(s *fact.Set, spec string) runner {
	name, _, _ := strings.Cut(spec, ":")
	says := fmt.Sprintf("user %q", spec)
	switch {
	case name == "" || name == "root" || strings.Trim(name, "0") == "":
		return runner{root: fact.Yes, says: says}
	case isOrdinaryID(name):
		return runner{root: fact.No, says: says}
	}
	// The image's own user was looked up in the file that this name is looked up in.
	if u := s.User; u.State == fact.Known {
		if own, _, _ := strings.Cut(u.V.Spec, ":"); own == name {
			return runner{root: yesIf(u.V.UID == 0), says: says}
		}
	}
	st := s.Filesystem.Status()
	if st.State != fact.Unknown {
		st = fact.Status{Cause: fact.Unsupported}
	}
	st.Why = orElse(st.Why, "not looked up")
	st.Why = fmt.Sprintf("%s stands in the image's passwd file: %s", says, st.Why)
	return runner{status: st}
}

// isOrdinaryID reports whether s is a user number that every runtime takes for
// what it is; larger ones have wrapped around to 0.
//
// https://github.com/advisories/GHSA-265r-hfxg-fhmg
func isOrdinaryID(s string) bool {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1<<31/10 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n < 1<<31
}

func yesIf(b bool) fact.Tri {
	if b {
		return fact.Yes
	}
	return fact.No
}

// lost is the status of a fact that is not Known, as that of one that is Unknown.
func lost(st fact.Status, otherwise string) fact.Status {
	if st.State != fact.Unknown {
		st = fact.Status{Cause: fact.Dependency}
	}
	st.Why = orElse(st.Why, otherwise)
	return st
}

func runSET003(s *fact.Set) check.Answer {
	if s.Settings.State != fact.Known {
		return notTold("there are no settings of a container")
	}
	if why := noProcess(s); why != "" {
		return notTold(why)
	}
	r, ways := runnerOf(s), waysToRoot(s)
	var d doubts
	if r.root == fact.TriUnknown {
		d.add(r.status.Cause, r.status.Why)
	}
	var out []check.Finding
	switch {
	case r.root == fact.Yes:
		out = append(out, rootFinding(s, "runs as root: "+r.says, ways))
	case len(ways) > 0 && r.root == fact.No:
		out = append(out, rootFinding(s, fmt.Sprintf("is not root (%s), but may become root: %s", r.says, ways[0]), ways[1:]))
	case len(ways) > 0:
		out = append(out, rootFinding(s, "may become root: "+ways[0], ways[1:]))
	}
	// After the pass: without the config, too, it is one.
	if (len(out) > 0 || len(d.whys) > 0) && onWindows(s) {
		return notTold("windows container")
	}
	return d.answer(out)
}

// waysToRoot are the ways in which a process that is not root becomes root, the
// shortest first.
func waysToRoot(s *fact.Set) []string {
	set := s.Settings.V
	var out []string
	if set.Privileged {
		out = append(out, "privileged, so that it can change the "+wordsOf(fact.Container{Runtime: runtimeOf(s)}).host+" too")
	}
	for _, c := range set.Capabilities {
		if name := rootCapability(c); name != "" {
			out = append(out, "capability "+name)
		}
	}
	if set.MayEscalate != fact.No {
		way := "allowPrivilegeEscalation is not false"
		if !isKubernetes(s) {
			way = "no-new-privileges is not set"
		}
		if s.Filesystem.State == fact.Known {
			way += "; " + setuidPrograms(s.Filesystem.V.Privileged)
		}
		out = append(out, way)
	}
	return out
}

// rootCapability returns the plain name of a capability that is as good as root,
// or "".
func rootCapability(c string) string {
	if name := strings.TrimPrefix(strings.ToUpper(c), "CAP_"); name == "SYS_ADMIN" || name == "ALL" {
		return name
	}
	return ""
}

// canRemount reports whether root may mount in the container, and so make a
// read-only root writable again.
func canRemount(set fact.Settings) bool {
	return set.Privileged || slices.ContainsFunc(set.Capabilities, func(c string) bool { return rootCapability(c) != "" })
}

func runtimeOf(s *fact.Set) string {
	if isKubernetes(s) {
		return "kubernetes"
	}
	return "docker"
}

func setuidPrograms(groups []fact.PathGroup) string {
	var paths []fact.Bytes
	count := 0
	for _, g := range groups {
		paths = append(paths, g.Paths...)
		count += max(g.Count, len(g.Paths))
	}
	if count == 0 {
		return "the image holds no setuid program, but a mount may"
	}
	slices.Sort(paths)
	return "the image holds " + showPaths(paths, "/", count)
}

func rootFinding(s *fact.Set, message string, more []string) check.Finding {
	set := s.Settings.V
	f := check.Finding{Message: message, Origin: whereOf(s), Fix: rootFix(s)}
	if c := s.Container; c.State == fact.Known {
		f.Message = fmt.Sprintf("%q %s", c.V.Name, message)
	}
	f.Lines = more
	if set.HostUsers == fact.No {
		f.Lines = append(f.Lines, "in a user namespace: root inside, an ordinary user outside")
	}
	f.Consequences = []string{"every path of the image can be changed from inside the container"}
	switch {
	case set.ReadOnlyRoot && canRemount(set):
		f.Consequences = []string{"it can make its read-only root writable again"}
	case set.ReadOnlyRoot:
		f.Consequences = []string{"the root file system is read-only, so that root can change the mounts and nothing else"}
	}
	return f
}

// rootFix says all that has to change, so that doing it is enough.
func rootFix(s *fact.Set) string {
	set := s.Settings.V
	if !isKubernetes(s) {
		fix := "run it with --user 65532:65532 --security-opt no-new-privileges"
		if set.Privileged || len(set.Capabilities) > 0 {
			fix += ", without --privileged and --cap-add"
		}
		return fix
	}
	parts := []string{"runAsNonRoot: true"}
	if r := runnerOf(s); r.root != fact.No {
		parts = append(parts, "runAsUser: 65532")
	}
	if set.MayEscalate != fact.No {
		parts = append(parts, "allowPrivilegeEscalation: false")
	}
	fix := strings.Join(parts, ", ") + " in its securityContext"
	if set.Privileged {
		fix += ", without privileged"
	}
	for _, c := range set.Capabilities {
		if name := rootCapability(c); name != "" {
			fix += ", without capability " + name
		}
	}
	return fix
}
