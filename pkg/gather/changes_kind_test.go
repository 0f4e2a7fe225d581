package gather

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
)

var updateDocs = flag.Bool("update", false, "rewrite the table of docs/runtime-changes.md")

var kindsBlock = regexp.MustCompile(`(?s)(<!-- kinds: generated -->\n).*?(<!-- end -->)`)

// The table of docs/runtime-changes.md is the one that decides.
func TestKindsTable(t *testing.T) {
	const name = "../../docs/runtime-changes.md"
	var b strings.Builder
	b.WriteString("| kind | what | why |\n| --- | --- | --- |\n")
	for _, r := range kindRules() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.kind, strings.ReplaceAll(r.what, "|", `\|`), r.why)
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !kindsBlock.Match(page) {
		t.Fatalf("%s has no place for the table", name)
	}
	want := kindsBlock.ReplaceAllString(string(page), "${1}"+strings.ReplaceAll(b.String(), "$", "$$")+"${2}")
	if *updateDocs {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Errorf("the table of %s is stale: go test -run TestKindsTable -update ./pkg/gather", name)
	}
}

var quoted = regexp.MustCompile("`([^`]*)`")

// Every name and path that a row of the table spells out is of that kind.
func TestKindsTableIsTrue(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, r := range kindRules() {
		for _, m := range quoted.FindAllStringSubmatch(r.what, -1) {
			for _, word := range strings.Fields(m[1]) {
				name := strings.ReplaceAll(word, "*", "x")
				var paths []string
				switch {
				case word == ".ssh":
					paths = []string{"/home/x/.ssh/id"}
				case strings.HasPrefix(name, "/"):
					paths = []string{name, name + "/f"} // itself, or what is below it
				case strings.HasPrefix(name, "x.") || strings.HasPrefix(name, "."):
					paths = []string{"/data/" + name}
				default: // what files begin with
					continue
				}
				tried++
				code := strings.Contains(r.what, "on an execution path")
				if !slices.ContainsFunc(paths, func(p string) bool {
					return kindOf(kindRules(), subject{path: p, typ: "file", mode: 0o644, code: code}) == r.kind
				}) {
					t.Errorf("%q is not %s", word, r.kind)
				}
			}
		}
	}
	if tried < 90 {
		t.Errorf("only %d names and paths found", tried)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	elfOf := func(typ byte) []byte {
		head := []byte(elf)
		head[16] = typ
		return head
	}
	bigEndian := []byte("\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	for want, subjects := range map[fact.FileKind][]subject{
		fact.FileExecutable: {
			{path: "/tmp/x", typ: "file", mode: 0o600, head: []byte(elf)},
			{path: "/tmp/cat.jpg", typ: "file", mode: 0o644, head: []byte("MZ\x90")},
			{path: "/etc/cron.daily/x", typ: "file", head: []byte(elf)},
			{path: "/app/x", typ: "file", mode: 0o755, head: elfOf(3)},
			{path: "/app/x", typ: "file", mode: 0o755},
			{path: "/app/x", typ: "file", mode: 0o711, head: []byte("\x00\x01")},
			{path: "/bin/x", typ: "symlink", code: true},
			{path: "/", typ: "dir"},
			{path: "/short", typ: "file", head: []byte("\x7fELF")},
		},
		fact.FileLibrary: {
			{path: "/tmp/x", typ: "file", head: elfOf(3), mode: 0o644},
			{path: "/tmp/x", typ: "file", head: elfOf(1), mode: 0o755},
			{path: "/tmp/x", typ: "file", head: bigEndian, mode: 0o755},
			{path: "/lib/libc.so.6", typ: "symlink"},
			{path: "/tmp/libx.so", typ: ""},
			{path: "/etc/ld.so.preload", typ: "file", head: []byte("/tmp/x.so")},
		},
		fact.FileScript: {
			{path: "/tmp/x", typ: "file", head: []byte("#!/bin/sh")},
			{path: "/tmp/x", typ: "file", mode: 0o755, head: []byte("echo hi\n")},
			{path: "/var/www/uploads/cat.php", typ: "file", head: []byte("<?php")},
			{path: "/etc/cron.d/job", typ: "file", head: []byte("* * * * *")},
			{path: "/home/app/.bashrc", typ: "file"},
			{path: "/usr/lib/systemd/system/x.service", typ: "symlink", code: true},
		},
		fact.FileConfiguration: {
			{path: "/etc", typ: "dir"},
			{path: "/etc/passwd", typ: "file"},
			{path: "/etc/ssl/certs/x.0", typ: "symlink"},
			{path: "/root/.ssh/authorized_keys", typ: "file"},
			{path: "/app/.env", typ: "file"},
			{path: "/app/settings.json", typ: "file", code: true},
		},
		fact.FileData: {
			{path: "/data/state.json", typ: "file"},
			{path: "/var/log/x", typ: "file"},
			{path: "/tmp/x.py", typ: "dir"},
			{path: "/dev/sda", typ: "block", mode: 0o777},
			{path: "/x.so", typ: "dir"},
			{path: "/data/link", typ: "symlink"},
			{path: "/data/environment", typ: "file"},
		},
	} {
		for _, s := range subjects {
			if got := kindOf(kindRules(), s); got != want {
				t.Errorf("%+v is %s; want %s", s, got, want)
			}
		}
	}
}

func FuzzKinds(f *testing.F) {
	f.Add("/bin/sh", "file", uint32(0o755), []byte(elf), true)
	f.Add("/x\xff.so", "symlink", uint32(0), []byte(nil), false)
	f.Add("", "", uint32(0), []byte("\x7fELF\x02\x02"), false)
	f.Fuzz(func(t *testing.T, p, typ string, mode uint32, head []byte, code bool) {
		s := subject{path: p, typ: typ, mode: mode, head: head, code: code}
		kind := kindOf(kindRules(), s)
		if !slices.Contains(kinds, kind) {
			t.Errorf("%+v is %q", s, kind)
		}
		if typ == "file" && program(head) && kind != fact.FileExecutable && kind != fact.FileLibrary {
			t.Errorf("a program is %q: %+v", kind, s)
		}
		if s.code = true; worse(kindOf(kindRules(), s), kind) != kindOf(kindRules(), s) {
			t.Errorf("to lie on an execution path makes %+v less: %s, else %s", s, kindOf(kindRules(), s), kind)
		}
	})
}
