package bake_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/bake"
)

// describe says in one line each what was found: place, path, text, kind if it is
// no image, what a pin would change, what is related.
func describe(files map[string]string, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d:%d %s %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Origin.Path, f.Raw)
		if f.Kind != "image" {
			s += " " + string(f.Kind)
		}
		if f.Site != nil {
			s += fmt.Sprintf(" [%s %s %s]", f.Site.Style, f.Site.File, files[f.Site.File][f.Site.Start:f.Site.End])
		}
		for _, o := range f.Related {
			s += fmt.Sprintf(" +%s:%d", o.Where, o.Line)
		}
		if f.Unresolved != "" {
			s += " ! " + f.Unresolved
		}
		for _, i := range f.Ignored {
			s += fmt.Sprintf(" ignore %s: %s", i.Check, i.Reason)
		}
		out = append(out, s)
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s:%d:%d problem: %s: %s", p.Origin.Where, p.Origin.Line, p.Origin.Column, p.Cause, p.Why))
	}
	if len(r.Claims) > 0 {
		out = append(out, "claims "+strings.Join(r.Claims, " "))
	}
	return out
}

func TestExtract(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file  string
		files map[string]string
		want  []string
	}{
		"arguments, contexts, caches": {
			"docker-bake.hcl", map[string]string{
				"docker-bake.hcl": "variable \"V\" { default = \"1.2\" }\nvariable \"N\" {}\ntarget \"app\" {\n  dockerfile = \"app/Dockerfile\"\n  tags = [\"me/app:${V}\"]\n  args = {\n    # intact:ignore REF001 why\n    BASE = \"debian:12\"\n    V = V\n    NO = N\n    NULL = null\n  }\n  contexts = {\n    src = \"docker-image://busybox:${V}\" # intact:ignore REF003 beside\n    dir = \"./x\"\n    other = \"target:app\"\n  }\n  cache-from = [\"type=registry,ref=me/cache:1\", \"type=gha\", {type = \"registry\", ref = \"me/c:2\"}]\n}\n",
				"app/Dockerfile":  "ARG BASE=a V NO=x NULL=y\nFROM $BASE\nFROM c:$V\nFROM $NO\nFROM n:$NULL\nFROM src\nFROM dir\n",
			},
			[]string{
				"docker-bake.hcl:14:27 target.app.contexts.src busybox:1.2 +docker-bake.hcl:1 ignore REF003: beside",
				"docker-bake.hcl:18:36 target.app.cache-from[0] me/cache:1 artifact [reference docker-bake.hcl me/cache:1]",
				"docker-bake.hcl:18:88 target.app.cache-from[2].ref me/c:2 artifact [reference docker-bake.hcl me/c:2]",
				"docker-bake.hcl:8:13 stages[0].from debian:12 [reference docker-bake.hcl debian:12] +app/Dockerfile:2 ignore REF001: why",
				"app/Dockerfile:3:6 stages[1].from c:1.2 +docker-bake.hcl:1",
				"app/Dockerfile:4:6 stages[2].from ${N} ! variable N has no default",
				"app/Dockerfile:5:6 stages[3].from n:y [tag app/Dockerfile y] +app/Dockerfile:1",
				"claims app/Dockerfile",
			},
		},
		"variables that are null": {
			"bake.hcl", map[string]string{
				"bake.hcl":   "variable \"V\" { default = null }\ntarget \"a\" {\n  args = { A = V, B = \"b:${V}\", C = V == null ? \"c:1\" : \"c:2\" }\n}\n",
				"Dockerfile": "ARG A=a:1 B C\nFROM $A\nFROM $B\nFROM $C\n",
			},
			[]string{
				"Dockerfile:1:7 stages[0].from a:1 [reference Dockerfile a:1] +Dockerfile:2",
				"Dockerfile:3:6 stages[1].from b:${V} +bake.hcl:3 ! variable V has no default",
				"bake.hcl:3:50 stages[2].from c:1 [reference bake.hcl c:1] +Dockerfile:4",
				"claims Dockerfile",
			},
		},
		"inherits, matrix, inline, functions": {
			"bake.hcl", map[string]string{
				"bake.hcl": "variable \"VERSIONS\" { default = [\"1\", \"2\"] }\nfunction \"img\" {\n  params = [n]\n  result = \"${n}:9\"\n}\ntarget \"_common\" {\n  contexts = { c = \"docker-image://${img(\"alpine\")}\" }\n  args = { A = \"x:1\" }\n}\ntarget \"m\" {\n  inherits = [\"_common\"]\n  matrix = { v = VERSIONS, w = [\"a\", \"b\"] }\n  name = \"m-${v}-${w}\"\n  args = { B = \"go:${v}\", W = upper(w) }\n  dockerfile-inline = <<EOT\nARG A B W\nFROM $A\nFROM $B\nFROM q:1\nFROM z:$W\nEOT\n}\ntarget \"c\" {\n  context = \"target:m\"\n  contexts = { d = true ? \"docker-image://t:1\" : \"x\", e = \"docker-image://${timestamp()}\" }\n}\n",
			},
			[]string{
				"bake.hcl:7:38 target._common.contexts.c alpine:9",
				"bake.hcl:25:43 target.c.contexts.d t:1 [reference bake.hcl t:1]",
				"bake.hcl:25:60 target.c.contexts.e ${timestamp()} ! Call to unknown function: There is no function named \"timestamp\".",
				"bake.hcl:8:17 stages[0].from x:1 [reference bake.hcl x:1] +bake.hcl:17",
				"bake.hcl:18:6 stages[1].from go:1 +bake.hcl:14 +bake.hcl:1",
				"bake.hcl:19:6 stages[2].from q:1 [reference bake.hcl q:1]",
				"bake.hcl:20:6 stages[3].from z:A +bake.hcl:14",
				"bake.hcl:20:6 stages[3].from z:B +bake.hcl:14",
				"bake.hcl:18:6 stages[1].from go:2 +bake.hcl:14 +bake.hcl:1",
			},
		},
		"JSON with an override": {
			"docker-bake.json", map[string]string{
				"docker-bake.json":          "{\"variable\": {\"V\": {\"default\": \"3\"}},\n \"target\": {\"a\": {\"args\": {\"B\": \"alpine:${V}\", \"C\": \"c\\u003a1\", \"D\": 1},\n  \"contexts\": {\"x\": \"docker-image://x:1\"}}}}\n",
				"docker-bake.override.json": "{\"target\": {\"a\": {\"dockerfile\": \"D\"}}}\n",
				"D":                         "ARG B C D\nFROM $B\nFROM $C\nFROM d:$D\n",
			},
			[]string{
				"docker-bake.json:3:37 target.a.contexts.x x:1 [reference docker-bake.json x:1]",
				"D:2:6 stages[0].from alpine:3 +docker-bake.json:2 +docker-bake.json:1",
				"D:3:6 stages[1].from c:1 +docker-bake.json:2",
				"D:4:6 stages[2].from d:1 +docker-bake.json:2",
				"claims D docker-bake.override.json",
			},
		},
		"what cannot be read": {
			"bake.hcl", map[string]string{
				"bake.hcl": "target \"a\" {\n  inherits = [\"no\", \"a\"]\n  context = \"https://example.com/x.git\"\n}\ntarget \"b\" {\n  context = \"../..\"\n  contexts = { x = \"docker-image://${UNKNOWN}\", y = \"docker-image://${LOOP}\" }\n}\ntarget \"c\" {\n  dockerfile = \"no\"\n  matrix = { v = split(\",\", BAKE_X) }\n  args = { A = v }\n}\nvariable \"LOOP\" { default = LOOP }\ntarget \"d\" {\n  args = = 1\n}\n",
			},
			[]string{
				"bake.hcl:7:21 target.b.contexts.x ${UNKNOWN} ! there is no variable UNKNOWN",
				"bake.hcl:7:54 target.b.contexts.y ${LOOP} ! variable LOOP is made of itself",
				"bake.hcl:16:10 problem: unsupported: Invalid expression: Expected the start of an expression, but found an invalid expression token.",
				`bake.hcl:2:21 problem: unsupported: the target "a" inherits itself`,
				`bake.hcl:2:15 problem: unsupported: there is no target "no" to inherit`,
				`bake.hcl:3:13 problem: unsupported: it is built from "https://example.com/x.git", which is not in the tree: what that builds on is not known`,
				`bake.hcl:6:13 problem: blocked: what is built there is not read: "../.." leads out of the tree`,
				`bake.hcl:10:16 problem: not-found: what is built there is not known: read "no": file does not exist`,
				`bake.hcl:15:8 problem: not-found: what is built there is not known: read "Dockerfile": file does not exist`,
			},
		},
		"an unknown matrix": {
			"bake.hcl", map[string]string{
				"bake.hcl":   "target \"c\" {\n  matrix = { v = split(\",\", BAKE_X) }\n  args = { A = v, B = \"b:${v}\" }\n}\n",
				"Dockerfile": "ARG A B\nFROM $A\nFROM $B\n",
			},
			[]string{
				"Dockerfile:2:6 stages[0].from ${v} ! v of the matrix: BAKE_X depends on the machine and the command line",
				"Dockerfile:3:6 stages[1].from b:${v} +bake.hcl:3 ! v of the matrix: BAKE_X depends on the machine and the command line",
				"claims Dockerfile",
			},
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{}
			for name, text := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			r, err := bake.Extractor{}.Extract(fsys, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, describe(tt.files, r)); d != "" {
				t.Error(d)
			}
		})
	}
}
