package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

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
		return notRootRunner(s)
	case set.RunAsUser != nil && (*set.RunAsUser < 0 || *set.RunAsUser > maxID):
		return runner{status: fact.Status{Cause: fact.Unsupported, Why: fmt.Sprintf("runAsUser %d is no user number that Kubernetes takes", *set.RunAsUser)}}
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

// notRootRunner is for runAsNonRoot, with the user left to the image. Kubernetes
// starts neither root nor a user that is no number; but one that is too large for
// a number has got past that and become root.
//
// https://github.com/advisories/GHSA-265r-hfxg-fhmg
func notRootRunner(s *fact.Set) runner {
	if s.Config.State != fact.Known {
		return runner{status: lost(s.Config.Status(), "the image's config, which names the user, is not known")}
	}
	name, _, _ := strings.Cut(s.Config.V.User, ":")
	if digits := strings.TrimLeft(name, "+-"); strings.Trim(digits, "0123456789") == "" && strings.Trim(digits, "0") != "" && !isOrdinaryID(name) {
		return runner{status: fact.Status{
			Cause: fact.Unsupported, Why: fmt.Sprintf("USER %q is a number that runtimes take for different users, runAsNonRoot or not", s.Config.V.User),
		}}
	}
	return runner{root: fact.No, says: "runAsNonRoot"}
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

// maxID is the largest user that runtimes take.
const maxID = 1<<31 - 1

// isOrdinaryID reports whether s is a user number, not 0, that every runtime takes
// for what it is.
func isOrdinaryID(s string) bool {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > maxID/10 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n <= maxID
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
