package layer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// maxID is the largest user and group that runtimes take: containerd's
// maxUserID, moby's maxID.
const maxID = 1<<31 - 1

// ResolveUser finds the effective user of USER spec ("", "name", "uid",
// "uid:gid", "name:group" and so on) in the image's own /etc/passwd and
// /etc/group, as runc and containerd do. t may be nil if the layers were not
// read; then only numbers can be resolved, and a group that is not stated is
// taken for 0, as runtimes do for a user whom passwd does not list.
//
// Where runtimes disagree or would refuse to start, the user is Unknown: it is
// never said to be somebody other than root on a guess.
//
// https://github.com/containerd/containerd/blob/v2.1.0/pkg/oci/spec_opts.go
// https://github.com/moby/sys/blob/user/v0.4.0/user/user.go
func ResolveUser(t *Tree, spec string) fact.Value[fact.User] {
	name, group, hasGroup := strings.Cut(spec, ":")
	switch {
	case strings.Contains(group, ":"):
		return unknownUser(spec, "has more than one colon")
	case hasGroup && group == "", spec != "" && name == "":
		return unknownUser(spec, "has an empty part")
	case spec == "":
		name = "0"
	}
	u := fact.User{Spec: spec}
	passwd, missing := accounts(t, "/etc/passwd")
	users, err := parseAccounts(passwd, 7)
	if err != "" {
		missing = fact.Missing[fact.User](fact.Unsupported, "/etc/passwd "+err)
	}
	// Without the file a number is what it says, but its name and group are not
	// known; for root they do not matter.
	if missing.Cause != "" && (!isNumber(name) || t != nil && strings.Trim(name, "0") != "") {
		return missing
	}
	uid, why := lookup(name, users, "user")
	if why != "" {
		return unknownUser(spec, why)
	}
	u.UID = uid
	for _, line := range users {
		if !line.bad && line.id == uid && (line.name == name || isNumber(name)) {
			u.Name, u.GID = line.name, line.group
			break
		}
	}
	return withGroups(t, u, group, hasGroup)
}

// withGroups adds the groups.
func withGroups(t *Tree, u fact.User, group string, hasGroup bool) fact.Value[fact.User] {
	file, missing := accounts(t, "/etc/group")
	groups, err := parseAccounts(file, 4)
	if err != "" {
		missing = fact.Missing[fact.User](fact.Unsupported, "/etc/group "+err)
	}
	if missing.Cause != "" && u.UID != 0 && (t != nil || hasGroup && !isNumber(group)) {
		return missing
	}
	if hasGroup {
		gid, why := lookup(group, groups, "group")
		if why != "" {
			return unknownUser(u.Spec, why)
		}
		u.GID = gid
	}
	for _, g := range groups {
		if !g.bad && u.Name != "" && slices.Contains(strings.Split(g.last, ","), u.Name) {
			u.Groups = append(u.Groups, g.id)
		}
	}
	slices.Sort(u.Groups)
	u.Groups = slices.Compact(u.Groups)
	return fact.Of(u)
}

func unknownUser(spec, why string) fact.Value[fact.User] {
	return fact.Missing[fact.User](fact.Unsupported, fmt.Sprintf("USER %q %s", spec, why))
}
