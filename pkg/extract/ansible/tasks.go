package ansible

import (
	"fmt"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// keywords are the keys of a task that are no module.
//
// https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html#task
var keywords = map[string]bool{
	"action": true, "any_errors_fatal": true, "args": true, "async": true, "become": true, "become_exe": true, "become_flags": true, "become_method": true,
	"become_user": true, "changed_when": true, "check_mode": true, "collections": true, "connection": true, "debugger": true, "delay": true,
	"delegate_facts": true, "delegate_to": true, "diff": true, "environment": true, "failed_when": true, "ignore_errors": true, "ignore_unreachable": true,
	"local_action": true, "loop": true, "loop_control": true, "module_defaults": true, "name": true, "no_log": true, "notify": true, "poll": true, "port": true,
	"register": true, "remote_user": true, "retries": true, "run_once": true, "tags": true, "throttle": true, "timeout": true, "until": true, "vars": true,
	"when": true, "listen": true, "block": true, "rescue": true, "always": true,
}

// A task is one with its module.
type task struct {
	n      yamlpos.Node
	key    yamlpos.Node // the module, as it is written
	args   yamlpos.Node
	module string // without its collection
	name   string
	at     string
	s      *scope
}

// tasks reads a list of tasks and blocks.
func (e *extraction) tasks(n yamlpos.Node, at string, s *scope) {
	for i, item := range n.Items() {
		if e.budget--; e.budget < 0 {
			if e.budget == -1 {
				e.r.Limit(item, at, "tasks of a file with its roles", maxTasks)
			}
			return
		}
		e.task(item, strings.TrimPrefix(fmt.Sprintf("%s[%d]", at, i), "."), s)
	}
}

func (e *extraction) task(n yamlpos.Node, at string, outer *scope) {
	s := outer.with(n.Get("vars"))
	if c := n.Get("connection").String(); c != "" {
		s.connection = c
	}
	if c := n.Get("vars", "ansible_connection").String(); c != "" {
		s.connection = c
	}
	if host := n.Get("delegate_to").String(); host != "" {
		s.hosts = host
		if local(host) {
			s.connection = "local"
		}
	}
	if s.depth++; s.depth > maxDepth {
		e.r.Limit(n, at, "blocks in blocks", maxDepth)
		return
	}
	for _, key := range []string{"block", "rescue", "always"} {
		e.tasks(n.Get(key), at+"."+key, s)
	}
	for k, args := range n.Fields() {
		name := k.String()
		if name == "action" || name == "local_action" {
			e.action(n, k, args, at+"."+name, *s)
			continue
		}
		if keywords[name] || strings.HasPrefix(name, "with_") {
			continue
		}
		t := task{n: n, key: k, args: args, module: module(name), name: n.Get("name").String(), at: at + "." + name, s: s}
		if !e.included(t) {
			e.loop(t)
		}
	}
}

// action reads a task that names its module in a value, as the first word of a text
// or as the key module of a mapping.
//
// https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html#task
func (e *extraction) action(n, key, args yamlpos.Node, at string, s scope) {
	if key.String() == "local_action" {
		s.connection = "local"
	}
	name := args.Get("module").String()
	if !args.IsMap() {
		name, _, _ = strings.Cut(strings.TrimSpace(args.String()), " ")
	}
	t := task{n: n, key: key, args: args, module: module(name), name: n.Get("name").String(), at: at, s: &s}
	switch {
	case strings.Contains(name, "{{"): // most are that of the package manager
		if t.get("image").IsZero() && !strings.Contains(args.String(), "image") {
			return
		}
		e.elsewhere(args, at, "which module the task runs, is not evaluated")
	case strings.HasPrefix(t.module, "include_"), strings.HasPrefix(t.module, "import_"), t.module == "include":
		e.elsewhere(args, at, "tasks that an action includes are not evaluated")
	default:
		e.loop(t)
	}
}

// included follows a task that stands for others.
func (e *extraction) included(t task) bool {
	file := t.args
	if t.args.IsMap() {
		file = t.args.Get("file")
	}
	switch t.module {
	case "include_tasks", "import_tasks", "include":
		s := e.plain(file, t.s)
		if strings.Contains(s, "{{") {
			e.elsewhere(file, t.at, fmt.Sprintf("which tasks %q are, is not evaluated", s))
			return true
		}
		dirs := []string{path.Dir(t.s.file), t.s.playbook}
		if t.s.role != "" {
			dirs = append(dirs, path.Join(t.s.role, "tasks"))
		}
		for _, dir := range dirs {
			if p := path.Join(dir, s); s != "" && e.r.Exists(p) {
				e.include(p, file, t.at, t.s)
				return true
			}
		}
		e.elsewhere(file, t.at, fmt.Sprintf("the tasks %q are not here", s))
	case "include_role", "import_role":
		from := t.args.Get("tasks_from").String()
		if from == "" {
			from = "main"
		}
		e.role(t.args.Get("name"), t.at, t.s, from)
	default:
		return false
	}
	return true
}

// loop reads a task for each item that it is done for.
func (e *extraction) loop(t task) {
	items := t.n.Get("loop")
	for _, key := range []string{"with_items", "with_list", "with_flattened"} {
		if items.IsZero() {
			items = t.n.Get(key)
		}
	}
	items = e.resolve(items, t.s)
	e.change(t)
	if !items.IsList() {
		e.images(t)
		return
	}
	name := t.n.Get("loop_control", "loop_var").String()
	if name == "" {
		name = "item"
	}
	for _, item := range items.Items() {
		if e.budget--; e.budget < 0 {
			break
		}
		s := *t.s
		s.item = map[string]yamlpos.Node{name: item}
		one := t
		one.s = &s
		e.images(one)
	}
}

// local reports whether a host is the one that Ansible runs on.
func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
