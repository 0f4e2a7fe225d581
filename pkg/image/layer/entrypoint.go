package layer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A command is how the first process of a container is found.
type command struct {
	entry   fact.Entrypoint
	steps   []nodeID // PATH directories, links, interpreters, files
	appDirs []string // directories of the application's own code
}

// maxInterpreters is how many scripts Linux lets run each other.
const maxInterpreters = 4

// resolveCommand follows Entrypoint and Cmd as execve does.
func resolveCommand(t *Tree, cfg fact.Config) *command {
	c := &command{}
	argv := slices.Concat(cfg.Entrypoint, cfg.Cmd)
	if len(argv) == 0 {
		c.entry.Missing = "the image names no command"
		return c
	}
	c.entry.Argv0 = argv[0]
	id, why := c.program(t, cfg, argv[0])
	if why != "" {
		c.entry.Missing = why
		return c
	}
	c.entry.Program = t.path(id)
	if why := c.interpreters(t, cfg, id, 0); why != "" {
		c.entry.Missing = why
	}
	c.application(t, cfg, argv, id)
	return c
}

// program finds one program and remembers the steps.
func (c *command) program(t *Tree, cfg fact.Config, name string) (nodeID, string) {
	if name == "" {
		return 0, "the command is an empty string"
	}
	if strings.Contains(name, "/") {
		return c.executable(t, absolute(workingDir(cfg), name))
	}
	why := ""
	for _, dir := range pathDirs(cfg) {
		r := resolver{t: t, want: true}
		if id, none := r.walk(0, []byte(dir), true); none == "" && t.at(id).typ == TypeDir {
			c.steps = append(append(c.steps, r.steps...), id)
		}
		id, no := c.executable(t, dir+"/"+name)
		if no == "" {
			return id, ""
		}
		if why == "" || !strings.HasSuffix(no, "no such file") {
			why = no
		}
	}
	if strings.HasSuffix(why, "no such file") {
		why = fmt.Sprintf("%q is in no directory of PATH", name)
	}
	return 0, why
}

func (c *command) executable(t *Tree, p string) (nodeID, string) {
	r := resolver{t: t, want: true}
	id, why := r.walk(0, []byte(p), true)
	if why != "" {
		return 0, fmt.Sprintf("%q: %s", path.Clean(p), why)
	}
	var e Entry
	t.entry(id, &e)
	switch {
	case e.Type == TypeDir:
		return 0, fmt.Sprintf("%q: is a directory", path.Clean(p))
	case e.Type != TypeFile:
		return 0, fmt.Sprintf("%q: is a %s", path.Clean(p), e.Type)
	case e.Mode&0o111 == 0:
		return 0, fmt.Sprintf("%q: is not executable", path.Clean(p))
	}
	c.steps = append(append(c.steps, r.steps...), id)
	return id, ""
}

// interpreters follows the #! lines; "env NAME" looks NAME up in PATH.
func (c *command) interpreters(t *Tree, cfg fact.Config, id nodeID, depth int) string {
	var e Entry
	t.entry(id, &e)
	line, ok := strings.CutPrefix(string(e.Head), "#!")
	if !ok {
		return ""
	}
	if depth == maxInterpreters {
		return "too many interpreters"
	}
	words := strings.Fields(line)
	if len(words) == 0 {
		return fmt.Sprintf("%q: names no interpreter", t.path(id))
	}
	next, why := c.executable(t, absolute(workingDir(cfg), words[0]))
	if why != "" {
		return "interpreter " + why
	}
	if path.Base(words[0]) == "env" {
		for _, word := range words[1:] {
			if strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
				continue
			}
			if next, why = c.program(t, cfg, word); why != "" {
				return "interpreter " + why
			}
			break
		}
	}
	return c.interpreters(t, cfg, next, depth+1)
}

var (
	shells       = lazy.Regexp(`^(ba|da|a|z|k)?sh$|^busybox$`)
	interpreters = lazy.Regexp(`^(python|pypy|node|ruby|perl|php|lua|java|dotnet|deno|bun|tclsh|Rscript|guile|jruby|erl|escript|mono)[-0-9.]*$`)
	// Programs that load code from the directory they run in.
	runners = lazy.Regexp(`^(npm|npx|yarn|pnpm|bundle|rails|rake|puma|unicorn|flask|gunicorn|uvicorn|hypercorn|celery|django-admin|uwsgi|pm2|nodemon|next|make|composer|php-fpm[0-9.]*)$`)
	scripts = lazy.Regexp(`\.(js|mjs|cjs|ts|py|pyc|rb|pl|php|sh|jar|war|dll|lua|exs|R|phar)$`)
	plain   = lazy.Regexp(`^[A-Za-z0-9_./:@%+,-]+$`)
	inits   = lazy.Regexp(`^(tini|tini-static|dumb-init|gosu|su-exec|setpriv|chpst|exec|nice|env|catatonit|s6-setuidgid|docker-init)$`)
)

// application finds where the code of the application itself lies: beside the
// program, beside the scripts it is given, in the working directory of programs
// that load from there; and of a shell form the program it begins with.
func (c *command) application(t *Tree, cfg fact.Config, argv []string, program nodeID) {
	base := string(t.base(program))
	name := path.Base(argv[0])
	if shells().MatchString(name) || shells().MatchString(base) && base != "busybox" {
		for i, arg := range argv[1:] {
			if strings.HasPrefix(arg, "-") && strings.HasSuffix(arg, "c") && !strings.HasPrefix(arg, "--") && i+2 < len(argv) {
				c.entry.Shell = true
				c.shell(t, cfg, argv[i+2])
				return
			}
		}
	}
	c.appDir(t, path.Dir(string(t.path(program))))
	c.arguments(t, cfg, name, argv[1:])
}

// shell looks into a command line as far as it is plain words.
func (c *command) shell(t *Tree, cfg fact.Config, line string) {
	var words []string
	for _, w := range strings.Fields(line) {
		w = strings.Trim(w, `"'`)
		if !plain().MatchString(w) {
			break
		}
		words = append(words, w)
	}
	c.nested(t, cfg, words)
}

// nested resolves a program that another one runs. One that is not found is
// no finding: a shell has built-ins and functions.
func (c *command) nested(t *Tree, cfg fact.Config, words []string) {
	for len(words) > 0 && (words[0] == "exec" || strings.HasPrefix(words[0], "-")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	id, why := c.program(t, cfg, words[0])
	if why != "" {
		return
	}
	c.interpreters(t, cfg, id, 0)
	c.appDir(t, path.Dir(string(t.path(id))))
	c.arguments(t, cfg, path.Base(words[0]), words[1:])
}

func (c *command) arguments(t *Tree, cfg fact.Config, name string, args []string) {
	isInterpreter := interpreters().MatchString(name)
	if isInterpreter && slices.Contains(args, "-m") || runners().MatchString(name) {
		c.appDir(t, workingDir(cfg))
	}
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "-"):
			continue
		case inits().MatchString(name) && i < 3:
			c.nested(t, cfg, args[i:])
		}
		p := absolute(workingDir(cfg), arg)
		r := resolver{t: t, want: true}
		id, why := r.walk(0, []byte(p), true)
		if why != "" {
			continue
		}
		var e Entry
		t.entry(id, &e)
		switch {
		case e.Type == TypeDir && isInterpreter:
			c.appDir(t, p) // node . and python DIR
		case e.Type != TypeFile:
		case isInterpreter, shells().MatchString(name), scripts().MatchString(arg), e.Mode&0o111 != 0:
			c.steps = append(append(c.steps, r.steps...), id)
			c.interpreters(t, cfg, id, 0)
			c.appDir(t, path.Dir(string(t.path(id))))
		}
	}
}

// appDir adds a directory of application code, unless it is one that holds all
// kinds of things.
func (c *command) appDir(t *Tree, dir string) {
	dir = path.Clean(dir)
	switch dir {
	case "/", "/etc", "/tmp", "/var", "/usr", "/home", "/root", "/opt", "/srv", "/bin", "/sbin", "/usr/bin", "/usr/sbin",
		"/usr/local", "/usr/local/bin", "/usr/local/sbin", "/var/lib", "/var/tmp", "/run", "/dev", "/proc", "/sys":
		return
	}
	if !slices.Contains(c.appDirs, dir) {
		c.appDirs = append(c.appDirs, dir)
	}
}
