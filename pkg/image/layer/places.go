package layer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// codeDepth is how many components of a path fact.Code keeps while they are few:
// as deep as /usr/src/app/node_modules.
const codeDepth = 4

// places gathers where code lies and what directories are open to others than
// root, whoever the user is.
type places struct {
	code  map[string]struct{}
	depth int

	open []fact.Dir
	// openMore counts the directories that found no room.
	openMore int
}

// addCode takes in a file or link on an execution path. What lies where every
// image has code is left out: who mounts something there is told so without it.
func (p *places) addCode(path []byte) {
	if inEveryImage(string(path)) || p.depth < 0 {
		return
	}
	if p.code == nil {
		p.code, p.depth = map[string]struct{}{}, codeDepth
	}
	p.code[cutPath(string(path), p.depth)] = struct{}{}
	for len(p.code) > limits.CodePaths {
		if p.depth--; p.depth == 0 {
			p.code, p.depth = nil, -1
			return
		}
		cut := map[string]struct{}{}
		for c := range p.code {
			cut[cutPath(c, p.depth)] = struct{}{}
		}
		p.code = cut
	}
}

// inEveryImage reports whether path lies in a place that holds code in every
// image, as SET002 knows them.
func inEveryImage(path string) bool {
	path += "/"
	for _, above := range []string{"/usr/local/", "/usr/"} {
		if rest, ok := strings.CutPrefix(path, above); ok {
			path = "/" + rest
			break
		}
	}
	for _, dir := range []string{"/bin/", "/sbin/", "/lib"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}

// cutPath returns the first n components of an absolute path.
func cutPath(path string, n int) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if n--; n == 0 {
				return path[:i]
			}
		}
	}
	return path
}

func (p *places) codeFact(unfollowed int) fact.Value[fact.Code] {
	switch {
	case unfollowed > 0:
		return fact.Missing[fact.Code](fact.Limit, "the links of the image lead too far to follow them to all code")
	case p.depth < 0:
		return fact.Missing[fact.Code](fact.Limit, (&limits.ExceededError{What: "directories with code in the root", Limit: limits.CodePaths}).Error())
	}
	c := fact.Code{Depth: p.depth}
	for _, path := range slices.Sorted(maps.Keys(p.code)) {
		c.Paths = append(c.Paths, fact.Bytes(path))
	}
	return fact.Of(c)
}

// isOpen reports whether somebody else than root may write a directory. Entries
// of an access list can go no further than the group bits.
func isOpen(e *Entry) bool { return e.UID != 0 || e.Mode&0o022 != 0 }

// addOpen takes in a directory and returns where it stands, or -1.
func (p *places) addOpen(e *Entry, path []byte) int {
	if len(p.open) == limits.OpenDirs {
		p.openMore++
		return -1
	}
	p.open = append(p.open, fact.Dir{Path: fact.Bytes(path), UID: e.UID, GID: e.GID, Mode: uint32(e.Mode)})
	return len(p.open) - 1
}

func (p *places) openFact() fact.List[fact.Dir] {
	if p.openMore > 0 {
		return fact.MissingList[fact.Dir](fact.Limit, fmt.Sprintf("%d directories are open to others than root: %v",
			len(p.open)+p.openMore, &limits.ExceededError{What: "those that are kept", Limit: limits.OpenDirs}))
	}
	list := fact.ListOf[fact.Dir]()
	for _, d := range p.open {
		list.Parts = append(list.Parts, fact.Of(d))
	}
	return list
}
