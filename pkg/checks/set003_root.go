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
			Limits: "`runAsNonRoot: true` counts as not root: Kubernetes then does not start a root process, and none for a `USER` that is no number; of a number that is too large, which runtimes have taken for root, it is undecided. A user namespace (`hostUsers: false`) makes root an ordinary user on the node and changes nothing inside: " +
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
