package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// Places from which code runs whatever the image: the part of
// docs/execution-paths.md that needs no image. One component is matched with *.
var (
	codeTrees = []string{
		"/bin", "/sbin", "/lib*", "/usr/bin", "/usr/sbin", "/usr/lib*", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib*",
		"/etc/ld.so.conf.d", "/etc/cron*", "/var/spool/cron", "/etc/init.d", "/etc/rc*.d", "/etc/init",
		"/etc/systemd", "/etc/profile.d", "/etc/s6-overlay", "/etc/services.d", "/etc/cont-init.d",
		"/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld-musl-*.path", "/etc/inittab", "/etc/rc.local",
		"/etc/profile", "/etc/bash.bashrc", "/etc/crontab", "/etc/anacrontab", "/init",
	}
	// What holds some of them in every image.
	aboveCode = []string{"/", "/usr", "/usr/local", "/etc"}

	// Variables whose directories programs load code from.
	codeVariables = []string{"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "NODE_PATH", "PERL5LIB", "RUBYLIB", "CLASSPATH", "GEM_PATH", "GEM_HOME"}

	scriptNames = lazy.Regexp(`\.(js|mjs|cjs|ts|py|pyc|rb|pl|php|sh|jar|war|dll|lua|exs|R|phar)$`)
	initNames   = lazy.Regexp(`^(tini|tini-static|dumb-init|gosu|su-exec|setpriv|chpst|exec|nice|env|catatonit|s6-setuidgid|docker-init)$`)
)

// defaultPath is what runtimes set if the image sets no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// neverWritable are the kinds of volumes that runtimes mount read-only whatever
// the mount says.
var neverWritable = []string{"configMap", "secret", "projected", "downwardAPI", "image"}

// ofRuntime reports the kernel's file systems that every runtime mounts in every
// container: nothing of an image is in them.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.2.1/config-linux.md#default-filesystems
func ofRuntime(m fact.Mount) bool {
	switch cleanPath(m.Path) {
	case "/proc", "/sys", "/sys/fs/cgroup", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue":
		return slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "tmpfs", "devpts", "mqueue"}, m.Kind)
	}
	return false
}

func isWritable(m fact.Mount) bool { return !m.ReadOnly && !slices.Contains(neverWritable, m.Kind) }

func cleanPath(p fact.Bytes) string { return path.Clean("/" + string(p)) }

// below reports whether p is dir or lies below it.
func below(p, dir string) bool { return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/") }

// deepest returns the path of the mount that decides what lies at p; "" if the
// image does.
func deepest(mounts []fact.Mount, p string) string {
	at := ""
	for _, m := range mounts {
		if c := cleanPath(m.Path); below(p, c) && len(c) > len(at) {
			at = c
		}
	}
	return at
}

// An opening says that a writable mount lies over code, or all that keeps it from
// being known whether it does. The zero value is that it lies over none.
type opening struct {
	proof  string
	doubts []fact.Status // each has a Why
}

func (o opening) unless(st fact.Status) opening {
	o.doubts = append(o.doubts, st)
	return o
}

// openedBy judges a writable mount at p.
func openedBy(s *fact.Set, p string, mounts []fact.Mount) opening {
	if proof := wellKnown(p); proof != "" {
		return opening{proof: proof}
	}
	// A mount opens a file if no other mount lies between.
	over := func(file string) bool { return below(file, p) && len(deepest(mounts, file)) <= len(p) }
	var o opening
	if s.Config.State == fact.Known {
		if proof := configured(s.Config.V, p, over); proof != "" {
			return opening{proof: proof}
		}
	} else {
		o = o.unless(lost(s.Config.Status(), "the image's config is not known"))
	}
	if s.Filesystem.State != fact.Known {
		return o.unless(lost(s.Filesystem.Status(), "the layers were not read"))
	}
	t := s.Filesystem.V
	if program := string(t.Entrypoint.Program); program != "" && over(program) {
		return opening{proof: fmt.Sprintf("over %s, which the image runs", show(program))}
	}
	if t.Code.State != fact.Known {
		return o.unless(lost(t.Code.Status(), "where the image keeps its code was not told"))
	}
	for _, file := range t.Code.V.Paths {
		if over(cleanPath(file)) {
			return opening{proof: fmt.Sprintf("over code of the image (%s)", show(cleanPath(file)))}
		}
	}
	if cut := firstParts(p, t.Code.V.Depth); cut != p && slices.Contains(t.Code.V.Paths, fact.Bytes(cut)) {
		o = o.unless(fact.Status{Cause: fact.Limit, Why: fmt.Sprintf("it holds some below %s, and where exactly is not kept", show(cut))})
	}
	return o
}

// configured says what p opens of the places that the image's config names, or "".
func configured(c fact.Config, p string, over func(string) bool) string {
	for _, dir := range loadPath(c) {
		switch {
		case below(p, dir):
			return fmt.Sprintf("in %s, where programs and their code are looked for", show(dir))
		case over(dir):
			return fmt.Sprintf("over %s, where programs and their code are looked for", show(dir))
		}
	}
	for _, file := range commandFiles(c) {
		if over(file) {
			return fmt.Sprintf("over %s, which the image runs", show(file))
		}
	}
	return ""
}

// wellKnown says which place of every image p opens, or "".
func wellKnown(p string) string {
	if slices.Contains(aboveCode, p) {
		return "which holds code in every image"
	}
	for _, pattern := range codeTrees {
		head := firstParts(p, strings.Count(pattern, "/"))
		if ok, err := path.Match(pattern, head); ok && err == nil {
			return "an execution path"
		}
	}
	return ""
}

// firstParts returns the first n components of an absolute path.
func firstParts(p string, n int) string {
	parts := strings.Split(p, "/")
	if n <= 0 || len(parts) <= n+1 {
		return p
	}
	return strings.Join(parts[:n+1], "/")
}

// loadPath returns the directories in which programs and their code are looked
// for, beyond those of every image.
func loadPath(c fact.Config) []string {
	dirs := strings.Split(orElse(variable(c, "PATH"), defaultPath), ":")
	for _, name := range codeVariables {
		dirs = append(dirs, strings.FieldsFunc(variable(c, name), func(r rune) bool { return r == ':' || r == ' ' })...)
	}
	var out []string
	for _, dir := range dirs {
		if dir = inWorkingDir(c, dir); dir != "/" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

func variable(c fact.Config, name string) string {
	value := ""
	for _, v := range c.Env {
		if s, ok := strings.CutPrefix(v, name+"="); ok {
			value = s
		}
	}
	return value
}

func inWorkingDir(c fact.Config, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join("/", c.WorkingDir, p)
}

// commandFiles returns the files that the image's command names plainly: the
// program, if it is named by path, behind an init too, and scripts.
func commandFiles(c fact.Config) []string {
	argv := slices.Concat(c.Entrypoint, c.Cmd)
	var out []string
	first := true
	for i, arg := range argv {
		switch {
		case first && strings.Contains(arg, "/") && !strings.ContainsAny(arg, " \t"):
			out = append(out, inWorkingDir(c, arg))
		case i > 0 && !strings.HasPrefix(arg, "-") && scriptNames().MatchString(arg) && !strings.ContainsAny(arg, " \t"):
			out = append(out, inWorkingDir(c, arg))
		}
		if first && (initNames().MatchString(path.Base(arg)) || i > 0 && strings.HasPrefix(arg, "-")) {
			continue // the program that it starts comes behind
		}
		first = false
	}
	return out
}
