package ansible_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/ansible"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const playbook = "site.yml"

// play is a play with one task.
func play(task string) string { return "- hosts: web\n  tasks:\n  - " + task + "\n" }

func TestWhatModulesRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, ansible.Extractor{}, playbook, []casetest.Case{
		{Name: "docker_container", Files: play("community.docker.docker_container: {name: x, image: 'a:1'} # intact:ignore REF001 x"), Want: "3:58 a:1 {a:1} ignore REF001"},
		{Name: "short_name", Files: play("docker_container:\n      image: a:1"), Want: "4:14 a:1 {a:1}"},
		{Name: "podman_container", Files: play("containers.podman.podman_container: {image: a:1}"), Want: "3:49 a:1 {a:1}"},
		{Name: "swarm_service", Files: play("community.docker.docker_swarm_service: {image: a:1}"), Want: "3:52 a:1 {a:1}"},
		{Name: "docker_image", Files: play("docker_image: {name: a, tag: '1', source: pull}"), Want: "3:26 a:1 {:1}"},
		{Name: "docker_image_with_tag_in_name", Files: play("docker_image_pull: {name: 'h:5/a:2', tag: '1'}"), Want: "3:32 h:5/a:2 {h:5/a:2}"},
		{Name: "docker_image_built", Files: play("docker_image: {name: a, source: build, build: {path: .}}"), Want: ""},
		{Name: "compose", Files: play("community.docker.docker_compose_v2: {definition: {services: {x: {image: a:1}, y: {build: .}}}}"), Want: "3:77 a:1 {a:1}"},
		{Name: "stack", Files: play("docker_stack: {compose: [f.yml, {services: {x: {image: a:1}}}]}"), Want: "3:60 a:1 {a:1}"},
		{Name: "name_and_value", Files: play("docker_container: name=x image=a:1 state=started"), Want: "3:36 a:1 {a:1}"},
		{Name: "arguments_beside", Files: play("docker_container: {name: x}\n    args: {image: a:1}"), Want: "4:19 a:1 {a:1}"},
		{Name: "arguments_alone", Files: play("docker_container:\n    args: {image: a:1}"), Want: "4:19 a:1 {a:1}"},
		{Name: "definition_beside", Files: play("k8s: {state: present}\n    args: {definition: {apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: a:1}]}}}"), Want: "4:89 a:1 {a:1}"},
		{Name: "action", Files: play("action: community.docker.docker_container name=x image=a:1"), Want: "3:60 a:1 {a:1}"},
		{Name: "action_with_arguments", Files: play("action: docker_container\n    args: {image: a:1}"), Want: "4:19 a:1 {a:1}"},
		{Name: "local_action", Files: play("local_action: {module: docker_container, image: 'a:{{ item }}'}\n    loop: ['1']"), Want: "3:54 a:1 {:1}"},
		{Name: "action_of_a_variable", Files: play("action: '{{ m }} image=a:1'"), Want: "3:14 {{ m }} image=a:1 ?which module the task runs, is not evaluated"},
		{Name: "action_of_the_package_manager", Files: play("action: '{{ ansible_pkg_mgr }} name=a state=present'"), Want: ""},
		{Name: "action_that_includes", Files: play("action: include_tasks x.yml"), Want: "3:13 include_tasks x.yml ?tasks that an action includes are not evaluated"},
		{Name: "action_of_another_module", Files: play("action: ping"), Want: ""},
		{Name: "block", Files: play("block: [{docker_container: {image: a:1}}]\n    rescue: [{docker_container: {image: b:1}}]"), Want: "3:40 a:1 {a:1}\n4:41 b:1 {b:1}"},
		{Name: "no_image", Files: play("docker_container: {name: x, state: absent}"), Want: ""},
		{Name: "wrong_type", Files: play("docker_container: {image: [x]}"), Want: "3:31 problem unsupported: an image is a text; this is none"},
		{Name: "task_file", Files: "-- roles/r/tasks/main.yml --\n- docker_container: {image: a:1}\n", Want: "1:29 a:1 {a:1}"},
		{Name: "kubernetes", Files: play("kubernetes.core.k8s:\n      definition:\n        kind: Deployment\n        spec: {template: {spec: {containers: [{image: a:1}], volumes: [{image: {reference: b:1}}]}}}"),
			Want: "6:55 a:1 {a:1}\n6:92 b:1 {b:1}"},
		{Name: "kubernetes_custom_resource", Files: play("k8s: {definition: {apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {image: 'a:1'}}}"),
			Want: "3:95 a:1 {a:1}"},
		{Name: "kubernetes_with_a_variable", Files: "- hosts: web\n  vars: {t: '1'}\n  tasks:\n  - k8s: {definition: {apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, image: 'a:{{ t }}'}]}}}\n",
			Want: "4:110 a:1 {:1}"},
		{Name: "kubernetes_as_text", Files: play("k8s:\n      definition: |\n        spec:\n          containers: [{image: 'a:1'}]\n        ---\n        spec: {initContainers: [{image: b:1}]}"),
			Want: "6:33 a:1 {a:1}\n8:41 b:1 {b:1}"},
		{Name: "kubernetes_from_a_template", Files: play("k8s: {definition: \"{{ lookup('template', 'x') | from_yaml }}\"}"),
			Want: "3:24 {{ lookup('template', 'x') | from_yaml }} ?the definition is put together when the play runs"},
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	const run = "  tasks: [{docker_container: {image: '{{ i }}'}}]\n"
	casetest.Run(t, ansible.Extractor{}, playbook, []casetest.Case{
		{Name: "of_the_play", Files: "- hosts: web\n  vars: {i: 'a:1'}\n" + run, Want: "2:14 a:1 {a:1}"},
		{Name: "tag", Files: "- hosts: web\n  vars: {t: '1', i: 'a:{{ t }}'}\n" + run, Want: "3:39 a:1 {:1}"},
		{Name: "of_the_task", Files: "- hosts: web\n  vars: {i: 'a:1'}\n  tasks: [{vars: {i: 'a:2'}, docker_container: {image: '{{i}}'}}]\n", Want: "3:23 a:2 {a:2}"},
		{Name: "unset", Files: "- hosts: web\n" + run, Want: "2:39 {{ i }} ?the variable \"i\" is not set in the files"},
		{Name: "default", Files: play("docker_container: {image: \"a:{{ t | default('1') }}\"}"), Want: "3:32 a:1"},
		{Name: "default_is_a_variable", Files: "- hosts: web\n  vars: {u: '2'}\n  tasks: [{docker_container: {image: 'a:{{ t | default(u) }}'}}]\n", Want: "3:39 a:2 {:2}"},
		{Name: "key_of_a_mapping", Files: "- hosts: web\n  vars: {x: {i: 'a:1'}}\n  tasks: [{docker_container: {image: '{{ x.i }}'}}, {docker_container: {image: \"{{ x['i'] }}\"}}]\n",
			Want: "2:18 a:1 {a:1}\n2:18 a:1 {a:1}"},
		{Name: "filter", Files: play("docker_container: {image: '{{ x | lower }}'}"), Want: "3:32 {{ x | lower }} ?what \"{{ x | lower }}\" is, is not evaluated"},
		{Name: "statement", Files: play("docker_container: {image: '{% if x %}a{% endif %}'}"), Want: "3:32 {% if x %}a{% endif %} ?its statements are not evaluated"},
		{Name: "cycle", Files: "- hosts: web\n  vars: {i: '{{ i }}'}\n" + run, Want: "3:39 {{ i }} ?its variables name each other, or too many others"},
		{Name: "loop", Files: play("docker_container: {image: '{{ item.i }}'}\n    loop: [{i: a:1}, {i: b:1}]"), Want: "4:16 a:1 {a:1}\n4:26 b:1 {b:1}"},
		{Name: "loop_over_a_variable", Files: "- hosts: web\n  vars: {l: [a, b]}\n  tasks: [{docker_container: {image: '{{ x }}:1'}, with_items: '{{ l }}', loop_control: {loop_var: x}}]\n", Want: "3:39 a:1\n3:39 b:1"},
		{Name: "group_vars", Files: "-- site.yml --\n- hosts: web\n" + run + "-- group_vars/all.yml --\ni: a:1\n", Want: "group_vars/all.yml:1:4 a:1 {group_vars/all.yml a:1}"},
		{Name: "vars_files", Files: "-- p/site.yml --\n- hosts: web\n  vars_files: [v.yml]\n" + run + "-- p/v.yml --\ni: a:1\n", Want: "p/v.yml:1:4 a:1 {p/v.yml a:1}"},
		{Name: "role_alone", Files: "-- roles/r/tasks/main.yml --\n- docker_container: {image: '{{ i }}'}\n-- roles/r/defaults/main.yml --\ni: a:1\n",
			Want: "roles/r/defaults/main.yml:1:4 a:1 {roles/r/defaults/main.yml a:1}"},
	})
}

func TestRolesAndIncludes(t *testing.T) {
	t.Parallel()
	casetest.Run(t, ansible.Extractor{}, playbook, []casetest.Case{
		{Name: "role", Files: "-- p/site.yml --\n- hosts: web\n  vars: {t: '2'}\n  roles: [r, {role: r, t: '3'}]\n-- p/roles/r/tasks/main.yml --\n- docker_container: {image: 'a:{{ t }}'}\n-- p/roles/r/defaults/main.yml --\nt: '1'\n",
			Want: "p/roles/r/tasks/main.yml:1:30 a:2 {:2}\np/roles/r/tasks/main.yml:1:30 a:3 {:3}"},
		{Name: "include_role", Files: "-- site.yml --\n- hosts: web\n  tasks: [{include_role: {name: r, tasks_from: x}}]\n-- roles/r/tasks/x.yml --\n- ansible.builtin.import_tasks: y.yml\n-- roles/r/tasks/y.yml --\n- docker_container: {image: a:1}\n",
			Want: "roles/r/tasks/y.yml:1:29 a:1 {roles/r/tasks/y.yml a:1}"},
		{Name: "elsewhere", Files: "- hosts: web\n  roles: [geerlingguy.docker]\n  tasks: [{include_tasks: gone.yml}, {import_role: {name: '{{ x }}'}}, {include_tasks: '{{ x }}.yml'}]\n- import_playbook: other.yml\n",
			Want: "2:11 geerlingguy.docker ?the role \"geerlingguy.docker\" is not here\n3:27 gone.yml ?the tasks \"gone.yml\" are not here\n" +
				"3:60 {{ x }} ?which role \"{{ x }}\" is, is not evaluated\n3:89 {{ x }}.yml ?which tasks \"{{ x }}.yml\" are, is not evaluated\n4:20 other.yml ?the playbook \"other.yml\" is not here\n"},
		{Name: "cycle", Files: "-- site.yml --\n- hosts: web\n  tasks: [{include_tasks: t.yml}]\n-- t.yml --\n- include_tasks: t.yml\n", Want: "t.yml:1:18 problem unsupported: the tasks in \"t.yml\" include themselves, or too many others"},
	})
}

func TestChangesInPlace(t *testing.T) {
	t.Parallel()
	of := func(connection, task string) string {
		return "- hosts: app\n  connection: " + connection + "\n  tasks:\n  - " + task + "\n"
	}
	casetest.Run(t, ansible.Extractor{}, playbook, []casetest.Case{
		{Name: "package", Files: play("{name: install, ansible.builtin.apt: {name: [nginx, curl]}}"), Want: "3:21 object ansible.builtin.apt \"install\": package nginx,curl on hosts web"},
		{Name: "packages_name_value", Files: play("yum: name=nginx state=present"), Want: "3:5 object yum \"\": package nginx on hosts web"},
		{Name: "line", Files: play("lineinfile: {path: /etc/hosts, line: x}"), Want: "3:5 object lineinfile \"\": line in /etc/hosts on hosts web"},
		{Name: "template", Files: play("template: {src: x, dest: /etc/x}"), Want: "3:5 object template \"\": file /etc/x on hosts web"},
		{Name: "command_on_a_host", Files: play("command: uptime")},
		{Name: "command_in_a_container", Files: of("community.docker.docker", "shell: |\n      apt-get\n      install x"), Want: "4:5 object shell \"\": command apt-get install x on container app"},
		{Name: "copy_into_a_pod", Files: of("kubectl", "copy: {dest: /x}"), Want: "4:5 object copy \"\": file /x on container app"},
		{Name: "connection_by_variable", Files: "- hosts: app\n  vars: {ansible_connection: podman}\n  tasks: [{raw: x}]\n", Want: "3:12 object raw \"\": command x on container app"},
		{Name: "buildah", Files: of("containers.podman.buildah", "{dnf: {name: x}}")},
		{Name: "localhost", Files: "- hosts: localhost\n  tasks: [{template: {dest: x}}]\n"},
		{Name: "delegated_to_localhost", Files: play("{copy: {dest: x}, delegate_to: localhost}")},
		{Name: "docker_exec", Files: "- hosts: localhost\n  tasks: [{command: docker exec app apt install x}, {shell: {cmd: 'kubectl cp a b:c'}}]\n",
			Want: "2:12 object command \"\": command docker exec app apt install x on a container, by docker exec\n2:54 object shell \"\": command kubectl cp a b:c on a container, by kubectl cp"},
		{Name: "exec_modules", Files: play("{community.docker.docker_container_exec: {container: app, command: apt install x}}") + "  - kubernetes.core.k8s_exec: {pod: p, command: ls}\n  - kubernetes.core.k8s_cp: {pod: p, remote_path: /x}\n",
			Want: "3:6 object community.docker.docker_container_exec \"\": command apt install x on container app\n" +
				"4:5 object kubernetes.core.k8s_exec \"\": command ls on pod p\n5:5 object kubernetes.core.k8s_cp \"\": file /x on pod p"},
		{Name: "role_alone", Files: "-- roles/r/tasks/main.yml --\n- pip: {name: x} # intact:ignore SET006 y\n", Want: "1:3 object pip \"\": package x on hosts of a play"},
	})
}

func TestContainersOfObjects(t *testing.T) {
	t.Parallel()
	fsys, first := casetest.Files(playbook, play("k8s: {definition: {apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, image: 'a:1'}]}}}"))
	r, err := ansible.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Found) != 1 {
		t.Fatalf("%+v: %v", r, err)
	}
	if f := r.Found[0]; f.Workload.Kind != "Pod" || f.Workload.Name != "x" || f.Container != "c" || f.Settings == nil {
		t.Errorf("%+v", f)
	}
}

func TestWhatPlaybooksStandFor(t *testing.T) {
	t.Parallel()
	fsys, first := casetest.Files(playbook, "-- site.yml --\n- hosts: a\n  roles: [r]\n  vars_files: [v.yml]\n-- roles/r/tasks/main.yml --\n- apt: {name: x} # intact:ignore SET006 why\n-- v.yml --\nx: y\n")
	r, err := ansible.Extractor{}.Extract(fsys, first)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Claims, r.Read); got != "[roles/r/tasks/main.yml] [v.yml roles/r/tasks/main.yml]" {
		t.Error(got)
	}
	if len(r.Objects) != 1 || len(r.Objects[0].Ignored) != 1 || r.Objects[0].Ignored[0].Check != "SET006" {
		t.Errorf("%+v", r.Objects)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		path, head string
		want       bool
	}{
		{"site.yml", "---\n# x\n- name: x\n  hosts: all\n", true}, {"a.yaml", "- import_playbook: x.yml\n", true}, {"x.yml", "- community.docker.docker_container:\n", true},
		{"ingress.yaml", "kind: Ingress\nspec:\n  hosts: [x]\n", false}, {"roles/x/tasks/main.yml", "- debug:\n", true}, {"x.yml", "- a: b\n", false},
		{"tasks/task.yaml", "kind: Task\n", false}, {"templates/x.yaml", "{{- if .x }}\n  hosts: y\n", false}, {"x.json", "- hosts: x\n", false},
	} {
		if got := (ansible.Extractor{}).Match(x.path, []byte(x.head)); got != x.want {
			t.Errorf("%s: %v", x.path, got)
		}
	}
}

// Variables that name each other many times are not followed to the end.
func TestVariablesThatGrow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("- hosts: x\n  vars:\n    v7: ''\n")
	for i := range 7 {
		fmt.Fprintf(&b, "    v%d: '%s'\n", i, strings.Repeat(fmt.Sprintf("{{ v%d }}", i+1), 20))
	}
	b.WriteString("  tasks: [{docker_container: {image: '{{ v0 }}'}}]\n")
	fsys, first := casetest.Files(playbook, b.String())
	r, err := ansible.Extractor{}.Extract(fsys, first)
	if err != nil || len(r.Found) != 1 || r.Found[0].Unresolved == "" {
		t.Errorf("%+v: %v", r, err)
	}
}

func FuzzPlaybook(f *testing.F) {
	casetest.Fuzz(f, ansible.Extractor{}, playbook,
		"- hosts: [a]\n  connection: docker\n  vars: {t: '1', l: [{i: a}]}\n  roles: [r, {role: s}]\n  tasks:\n  - docker_container: image=a:{{ t | default('2') }}\n  - docker_image: {name: '{{ item.i }}', tag: '{{ t }}'}\n    loop: '{{ l }}'\n"+
			"  - k8s: {definition: {spec: {containers: [{image: a}]}}}\n  - shell: docker exec x y\n  - block: [{apt: {name: x}}]\n  - include_tasks: x.yml\n",
		"- k8s:\n    definition: |\n      spec: {containers: [{image: '{{ x }}'}]}\n- community.docker.docker_container_exec: {container: x, command: y}\n")
}
