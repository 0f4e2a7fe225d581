package layer

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// defaultPath is what runtimes set if the image sets no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// The closed list of places from which code runs, with the reasons in
// docs/execution-paths.md. Patterns match one component with *.
var (
	execTrees = []string{
		"/lib*", "/usr/lib*", "/usr/local/lib*", // loader, libraries, interpreters' modules
		"/etc/ld.so.conf.d", "/etc/cron*", "/var/spool/cron", "/etc/init.d", "/etc/rc*.d", "/etc/init",
		"/etc/systemd", "/etc/profile.d", "/etc/s6-overlay", "/etc/services.d", "/etc/cont-init.d",
	}
	execFiles = []string{
		"/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld-musl-*.path", "/etc/inittab", "/etc/rc.local",
		"/etc/profile", "/etc/bash.bashrc", "/etc/crontab", "/etc/anacrontab", "/init", "/sbin/init",
	}
	// Variables whose directories programs load code from.
	execVariables = []string{"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "NODE_PATH", "PERL5LIB", "RUBYLIB", "CLASSPATH", "GEM_PATH", "GEM_HOME"}
)

// execPath marks the nodes that lie on an execution path.
type execPath struct {
	t     *Tree
	nodes []uint64 // a bit for each node
	deep  []uint64 // … for each directory of which all is marked
	todo  []nodeID // trees to mark
	work  int
	// unfollowed holds links that were not followed because all of them
	// together lead too far.
	unfollowed []nodeID
}

func newExecPath(t *Tree, cfg fact.Config, run *command) *execPath {
	x := &execPath{t: t, nodes: make([]uint64, (t.count+63)/64), deep: make([]uint64, (t.count+63)/64)}
	for _, pattern := range execTrees {
		for _, id := range t.glob(pattern) {
			x.tree(id)
		}
	}
	for _, pattern := range execFiles {
		for _, id := range t.glob(pattern) {
			x.follow(id)
		}
	}
	for _, dir := range pathDirs(cfg) {
		x.place(dir, false)
	}
	for _, name := range execVariables {
		for _, dir := range variableDirs(cfg, name) {
			x.place(dir, true)
		}
	}
	for _, id := range run.steps {
		x.mark(id)
	}
	for _, dir := range run.appDirs {
		x.place(dir, true)
	}
	x.finish()
	return x
}

func (x *execPath) has(id nodeID) bool { return x.nodes[id/64]&(1<<(id%64)) != 0 }

// mark returns false if id was marked before.
func (x *execPath) mark(id nodeID) bool {
	if x.has(id) {
		return false
	}
	x.nodes[id/64] |= 1 << (id % 64)
	return true
}

// place marks what a path leads to: a directory with all in it (deep) or with
// what stands in it directly, or a file.
func (x *execPath) place(p string, deep bool) {
	r := resolver{t: x.t, want: true}
	id, why := r.walk(0, []byte(p), true)
	for _, step := range r.steps {
		x.mark(step)
	}
	switch {
	case why != "" || id == 0:
	case x.t.at(id).typ != TypeDir:
		x.mark(id)
	case deep:
		x.tree(id)
	default:
		x.mark(id)
		for c := x.t.at(id).child; c != 0; c = x.t.at(c).next {
			if n := x.t.at(c); n.flags&nodeDead == 0 && n.typ != TypeDir {
				x.follow(c)
			}
		}
	}
}

// tree marks, in the end, a directory and all below it, and where links in it
// lead; of a link or a file what follow marks.
func (x *execPath) tree(id nodeID) { x.todo = append(x.todo, id) }

// finish works off the list; links may lead from tree to tree without end.
func (x *execPath) finish() {
	for len(x.todo) > 0 {
		id := x.todo[len(x.todo)-1]
		x.todo = x.todo[:len(x.todo)-1]
		if x.t.at(id).typ != TypeDir {
			x.follow(id)
			continue
		}
		// A directory of PATH, marked as such, may be in a tree as well.
		if x.deep[id/64]&(1<<(id%64)) != 0 {
			continue
		}
		x.deep[id/64] |= 1 << (id % 64)
		x.mark(id)
		for c := x.t.at(id).child; c != 0; c = x.t.at(c).next {
			if x.t.at(c).flags&nodeDead == 0 {
				x.todo = append(x.todo, c)
			}
		}
	}
}

// follow marks a file, and of a link all that it leads through and to.
func (x *execPath) follow(id nodeID) {
	if !x.mark(id) || x.t.at(id).typ != TypeSymlink {
		return
	}
	if x.work > maxWork {
		x.unfollowed = append(x.unfollowed, id)
		return
	}
	var e Entry
	x.t.entry(id, &e)
	r := resolver{t: x.t, want: true, work: &x.work}
	to, why := r.walk(x.t.at(id).parent, e.Link, true)
	for _, step := range r.steps {
		x.mark(step)
	}
	// A link to a directory near the root would take in half of the image.
	if why == "" && to != 0 && (x.t.at(to).typ != TypeDir || x.t.depth(to) > 1) {
		x.tree(to)
	}
}

// depth returns how many directories are above id, the root among them.
func (t *Tree) depth(id nodeID) (n int) {
	for ; id != 0; id = t.at(id).parent {
		n++
	}
	return n
}

// glob returns the nodes that an absolute pattern matches, links not followed
// but for those of directories on the way.
func (t *Tree) glob(pattern string) []nodeID {
	at := []nodeID{0}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for i, part := range parts {
		var next []nodeID
		for _, dir := range at {
			next = append(next, t.globIn(dir, part, i < len(parts)-1)...)
		}
		at = next
	}
	return at
}

func (t *Tree) globIn(dir nodeID, part string, onWay bool) (out []nodeID) {
	if t.at(dir).typ != TypeDir {
		return nil
	}
	if !strings.Contains(part, "*") {
		id, ok := t.childOf(dir, []byte(part))
		if ok && onWay && t.at(id).typ == TypeSymlink {
			r := resolver{t: t}
			to, why := r.walk(dir, []byte(part), true)
			id, ok = to, why == ""
		}
		if ok {
			out = append(out, id)
		}
		return out
	}
	for c := t.at(dir).child; c != 0; c = t.at(c).next {
		if t.at(c).flags&nodeDead != 0 {
			continue
		}
		if ok, err := path.Match(part, string(bytes.ToValidUTF8(t.base(c), nil))); ok && err == nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b nodeID) int { return bytes.Compare(t.base(a), t.base(b)) })
	return out
}

func environment(cfg fact.Config, name string) string {
	value := ""
	for _, v := range cfg.Env {
		if s, ok := strings.CutPrefix(v, name+"="); ok {
			value = s
		}
	}
	return value
}

// variableDirs returns the directories that a variable names, absolute.
func variableDirs(cfg fact.Config, name string) []string {
	var out []string
	for _, dir := range strings.FieldsFunc(environment(cfg, name), func(r rune) bool { return r == ':' || r == ' ' }) {
		out = append(out, absolute(workingDir(cfg), dir))
	}
	return out
}

// pathDirs returns the directories of PATH in order, absolute.
func pathDirs(cfg fact.Config) []string {
	value := environment(cfg, "PATH")
	if value == "" {
		value = defaultPath
	}
	var out []string
	for dir := range strings.SplitSeq(value, ":") {
		if dir = absolute(workingDir(cfg), dir); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

func workingDir(cfg fact.Config) string { return path.Clean("/" + cfg.WorkingDir) }
