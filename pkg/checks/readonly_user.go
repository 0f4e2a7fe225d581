package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// A process is who writes.
type process struct {
	uid  int64
	gids []int64
	name string
}

// processOf returns the effective user and groups, or why he is not known. A group
// that a runtime would look up for a number, and nobody did, is taken for 0, as
// runtimes do for users that the image does not list.
func processOf(s *fact.Set) (p process, why string) {
	set := s.Settings.V
	p.gids = slices.Clone(set.Groups)
	image := s.User.State == fact.Known
	switch {
	case set.RunAsUser != nil:
		p.uid = *set.RunAsUser
	case set.User != "":
		if !p.named(s, set.User) {
			return process{}, fmt.Sprintf("user %q was not looked up in the image", set.User)
		}
	case image:
		p.uid = int64(s.User.V.UID)
	default:
		return process{}, orElse(s.User.Why, "the image's user was not looked up")
	}
	gid := int64(0)
	p.name = fmt.Sprintf("user %d", p.uid)
	if p.uid == 0 {
		p.name = "root"
	}
	if image && int64(s.User.V.UID) == p.uid {
		p.name, gid = sayUser(s.User.V), int64(s.User.V.GID)
		for _, g := range s.User.V.Groups {
			p.gids = append(p.gids, int64(g))
		}
	}
	if set.RunAsGroup != nil {
		gid = *set.RunAsGroup
	}
	p.gids = append(p.gids, gid)
	return p, ""
}

// named takes a user as an image names one: by number, or as the image's own.
func (p *process) named(s *fact.Set, spec string) bool {
	name, group, _ := strings.Cut(spec, ":")
	own, _, _ := strings.Cut(s.User.V.Spec, ":")
	image := s.User.State == fact.Known
	switch uid, err := strconv.ParseInt(name, 10, 32); {
	case err == nil:
		p.uid = uid
	case name == "root":
	case image && own == name:
		p.uid = int64(s.User.V.UID)
	default:
		return false
	}
	gid, err := strconv.ParseInt(group, 10, 32)
	if err == nil {
		p.gids = append(p.gids, gid)
	}
	return err == nil || group == "" || image && s.User.V.Spec == spec
}

// writes reports whether the process could write a directory if nothing above it
// kept it out. For root only what everyone can write is told.
func (p process) writes(d fact.Dir) bool {
	switch {
	case p.uid != 0 && int64(d.UID) == p.uid:
		return true
	case p.uid != 0 && slices.Contains(p.gids, int64(d.GID)):
		return d.Mode&0o020 != 0
	}
	return d.Mode&0o002 != 0
}
