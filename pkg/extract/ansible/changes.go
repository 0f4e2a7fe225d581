package ansible

import (
	"cmp"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// What modules do to the host that they run on, by the arguments that name it.
var (
	packages = map[string][]string{
		"package": {"name"}, "apt": {"name", "pkg", "package", "deb"}, "yum": {"name", "pkg"}, "dnf": {"name", "pkg"}, "dnf5": {"name"}, "pip": {"name", "requirements"},
		"apk": {"name"}, "zypper": {"name"}, "pacman": {"name"}, "npm": {"name"}, "gem": {"name"}, "snap": {"name"},
	}
	files = map[string]string{
		"lineinfile": "line in", "blockinfile": "block in", "replace": "text in", "template": "file", "copy": "file",
	}
	commands = map[string]bool{"command": true, "shell": true, "raw": true, "script": true}
	// within run something in, or write something into, a container.
	within = map[string]string{
		"docker_container_exec": "container", "podman_container_exec": "container", "docker_container_copy_into": "container",
		"podman_container_copy": "container", "k8s_exec": "pod", "k8s_cp": "pod",
	}
)

// execs are commands that change a running container from its host.
var execs = lazy.Regexp(`(?:^|[\s;&|(])(docker|podman|nerdctl|kubectl|oc)\s+(?:container\s+)?(exec|cp)\s`)

// running are the connections into a container that runs. One of buildah's builds
// an image.
var running = map[string]bool{"docker": true, "docker_api": true, "podman": true, "kubectl": true, "oc": true, "nsenter": true, "lxc": true, "lxd": true}

// change adds what a task changes in place: a host that runs, or a container.
func (e *extraction) change(t task) {
	connection := module(t.s.connection)
	if connection == "buildah" || connection == "chroot" {
		return
	}
	in := running[connection]
	if kind, ok := within[t.module]; ok {
		name := cmp.Or(e.say(t, "container"), e.say(t, "pod"), e.say(t, "name"))
		what := "command " + cmp.Or(e.say(t, "command"), e.say(t, "argv"))
		if path := cmp.Or(e.say(t, "container_path"), e.say(t, "remote_path"), e.say(t, "dest")); path != "" {
			what = "file " + path
		}
		e.tell(t, what, kind+" "+name)
		return
	}
	if commands[t.module] {
		text := e.plainCommand(t)
		switch m := execs().FindStringSubmatch(text); {
		case in:
			e.tell(t, "command "+text, "container "+t.s.hosts)
		case m != nil:
			e.tell(t, "command "+text, "a container, by "+m[1]+" "+m[2])
		}
		return
	}
	if !in && (connection == "local" || t.s.hosts != "" && local(t.s.hosts)) {
		return // the host that Ansible runs on
	}
	what := ""
	if names, ok := packages[t.module]; ok {
		for _, name := range names {
			what = cmp.Or(what, e.say(t, name))
		}
		if what == "" {
			what = "all"
		}
		what = "package " + what
	} else if verb, ok := files[t.module]; ok {
		what = verb + " " + cmp.Or(e.say(t, "path"), e.say(t, "dest"), e.say(t, "destfile"))
	}
	if what == "" {
		return
	}
	on := "hosts " + cmp.Or(t.s.hosts, "of a play")
	if in {
		on = "container " + t.s.hosts
	}
	e.tell(t, what, on)
}

// say is what an argument says, a list's items one after the other.
func (e *extraction) say(t task, name string) string {
	if v := t.get(name); v.IsList() {
		return list(v)
	}
	x := expansion{e: e, s: t.s}
	return strings.TrimSpace(x.text(e.argument(t, name), 0).Text.String())
}

// plainCommand is the command of a task in one line.
func (e *extraction) plainCommand(t task) string {
	text := ""
	if t.args.IsMap() {
		text = cmp.Or(e.say(t, "cmd"), strings.ReplaceAll(e.say(t, "argv"), ",", " "))
	} else {
		text = e.plain(t.args, t.s)
	}
	return strings.Join(strings.Fields(text), " ")
}

// maxSaid bounds what is repeated of a file.
const maxSaid = 200

func (e *extraction) tell(t task, what, on string) {
	if len(what) > maxSaid {
		what = strings.ToValidUTF8(what[:maxSaid], "") + "…"
	}
	if len(on) > maxSaid {
		on = strings.ToValidUTF8(on[:maxSaid], "") + "…"
	}
	e.r.Object(t.key, t.at, fact.Object{
		Kind: fact.ObjectPlay, Type: t.key.String(), Name: t.name, Action: strings.TrimSpace(what), On: strings.TrimSpace(on),
	})
}
