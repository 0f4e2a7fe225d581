package layer

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// maxGroups bounds the groups of one layer and detail; beyond it they become
// one.
const maxGroups = 64

// A grouper gathers paths into groups: by layer, detail and the first directory
// (the first two below /usr and its like), so that 4,000 files below /app/dist
// are one finding, and files in /app and /usr/lib are two. It keeps
// limits.GroupPaths paths of a group and counts the rest.
type grouper struct {
	groups map[groupKey]*fact.PathGroup
	sizes  map[groupKey]int // of a layer and detail, with dir ""
}

type groupKey struct {
	layer  uint16
	detail string
	dir    string
}

// add takes in a path that is no directory, absolute or relative to the root.
func (g *grouper) add(layer uint16, detail string, path []byte) {
	g.addIn(layer, detail, path, parentDir(bytes.TrimPrefix(path, []byte("/"))))
}

// addType is add for a node that may be a directory, which holds itself.
func (g *grouper) addType(layer uint16, detail string, path []byte, typ Type) {
	if typ == TypeDir {
		g.addIn(layer, detail, path, fact.Bytes("/"+string(bytes.TrimPrefix(path, []byte("/")))))
		return
	}
	g.add(layer, detail, path)
}

func (g *grouper) addIn(layer uint16, detail string, path []byte, dir fact.Bytes) {
	if g.groups == nil {
		g.groups, g.sizes = make(map[groupKey]*fact.PathGroup), make(map[groupKey]int)
	}
	path = bytes.TrimPrefix(path, []byte("/"))
	all := groupKey{layer: layer, detail: detail}
	key := groupKey{layer: layer, detail: detail, dir: topDir(string(dir))}
	if g.sizes[all] > maxGroups {
		key.dir = "/"
	}
	group, ok := g.groups[key]
	if !ok {
		group = &fact.PathGroup{Layer: int(layer), Detail: detail, Dir: dir}
		g.groups[key] = group
		if g.sizes[all]++; g.sizes[all] == maxGroups+1 {
			defer g.collapse(all)
		}
	}
	group.Count++
	group.Dir = commonDir(group.Dir, dir)
	if len(group.Paths) < limits.GroupPaths {
		group.Paths = append(group.Paths, fact.Bytes("/"+string(path)))
	}
}

// collapse makes one group of all of a layer and detail.
func (g *grouper) collapse(all groupKey) {
	one := &fact.PathGroup{Layer: int(all.layer), Detail: all.detail}
	var keys []groupKey
	for key := range g.groups {
		if key.layer == all.layer && key.detail == all.detail {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b groupKey) int { return cmp.Compare(a.dir, b.dir) })
	for i, key := range keys {
		group := g.groups[key]
		if i == 0 {
			one.Dir = group.Dir
		}
		one.Dir = commonDir(one.Dir, group.Dir)
		one.Count += group.Count
		one.Paths = append(one.Paths, group.Paths[:min(len(group.Paths), limits.GroupPaths-len(one.Paths))]...)
		delete(g.groups, key)
	}
	all.dir = "/"
	g.groups[all] = one
}

// list returns the groups by layer, directory and detail.
func (g *grouper) list(createdBy []string) []fact.PathGroup {
	var out []fact.PathGroup
	for _, group := range g.groups {
		p := *group
		p.Paths = slices.Clone(p.Paths)
		slices.Sort(p.Paths)
		if p.Layer < len(createdBy) {
			p.CreatedBy = createdBy[p.Layer]
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b fact.PathGroup) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Detail, b.Detail))
	})
	return out
}

// topDir returns the directory by which paths in dir are grouped.
func topDir(dir string) string {
	first, rest, _ := strings.Cut(dir[1:], "/")
	switch first {
	case "usr", "var", "opt", "home", "srv", "mnt":
		second, _, _ := strings.Cut(rest, "/")
		return first + "/" + second
	}
	return first
}

// parentDir returns the directory of a relative path, absolute.
func parentDir(path []byte) fact.Bytes {
	return fact.Bytes("/" + string(path[:max(0, bytes.LastIndexByte(path, '/'))]))
}

// commonDir returns the deepest directory that holds both.
func commonDir(a, b fact.Bytes) fact.Bytes {
	for !holds(a, b) {
		a = a[:max(1, strings.LastIndexByte(string(a), '/'))]
	}
	return a
}

func holds(dir, path fact.Bytes) bool {
	return dir == "/" || path == dir || strings.HasPrefix(string(path), string(dir)+"/")
}
