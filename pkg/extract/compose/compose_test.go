package compose_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/compose"
)

// describe says in one line each what was found: place, path, text, kind if it is
// no image, who runs it, platform, what a pin would change, what is related.
func describe(files map[string]string, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d:%d %s %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Origin.Path, f.Raw)
		if f.Kind != "image" {
			s += " " + string(f.Kind)
		}
		if f.Workload.Name != "" {
			s += " of " + f.Workload.Name
		}
		if p := f.Platform.String(); p != "" {
			s += " on " + p
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
		if f.Built {
			s += " (built)"
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

func read(t *testing.T, p string, files map[string]string) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	r, err := compose.Extractor{}.Extract(fsys, p)
	if err != nil {
		t.Fatal(err)
	}
	return describe(files, r)
}

const (
	here   = " ! built here: it names what the build makes (built)"
	either = " ! Compose runs what the registry has under this name, and builds it if there is nothing: write pull_policy: build, or pull_policy: missing if it should be pulled"
)

func TestExtract(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files map[string]string // with shop/compose.yaml
		want  []string
	}{
		"images": {
			map[string]string{"shop/compose.yaml": "services:\n  web:\n    image: nginx:1.25 # intact:ignore REF001 why\n    platform: linux/arm64\n  db:\n    profiles: [x]\n    image: \"postgres@sha256:" + digest + "\"\n"},
			[]string{
				"shop/compose.yaml:3:12 services.web.image nginx:1.25 of shop/web on linux/arm64 [reference shop/compose.yaml nginx:1.25] ignore REF001: why",
				"shop/compose.yaml:7:13 services.db.image postgres@sha256:" + digest + " of shop/db [reference shop/compose.yaml postgres@sha256:" + digest + "]",
			},
		},
		"variables": {
			map[string]string{
				"shop/.env":         "# intact:ignore TAG001 far\nTAG=1.25\nexport REG='ghcr.io'\nWHOLE=\"a:1\"\nEMPTY=\n",
				"shop/compose.yaml": "services:\n  a: {image: \"nginx:${TAG}\"}\n  b: {image: \"nginx:${OTHER:-1.2}\"}\n  c: {image: \"${REG}/x\"}\n  d: {image: $WHOLE}\n  e: {image: \"x:$UNSET\"}\n  f: {image: \"x${EMPTY:-:3}\"}\n  g: {image: \"${MUST:?say it}\"}\n  h: {image: \"${UNSET}\"}\n  i: {image: \"${A:-${B:-q:1}}\"}\n  j: {image: \"x:$\"}\n",
			},
			[]string{
				"shop/compose.yaml:2:15 services.a.image nginx:1.25 of shop/a [tag shop/.env 1.25] +shop/.env:2 ignore TAG001: far",
				"shop/compose.yaml:3:15 services.b.image nginx:1.2 of shop/b [tag shop/compose.yaml 1.2]",
				"shop/compose.yaml:4:15 services.c.image ghcr.io/x of shop/c +shop/.env:3",
				"shop/.env:4:8 services.d.image a:1 of shop/d [reference shop/.env a:1] +shop/compose.yaml:5",
				"shop/compose.yaml:6:15 services.e.image x:$UNSET of shop/e ! variable UNSET is not set in .env and has no default",
				"shop/compose.yaml:7:15 services.f.image x:3 of shop/f [tag shop/compose.yaml 3]",
				"shop/compose.yaml:8:15 services.g.image ${MUST:?say it} of shop/g ! required variable MUST is missing a value: say it",
				"shop/compose.yaml:9:15 services.h.image ${UNSET} of shop/h ! variable UNSET is not set in .env and has no default",
				"shop/compose.yaml:10:25 services.i.image q:1 of shop/i [reference shop/compose.yaml q:1]",
				"shop/compose.yaml:11:15 services.j.image x:$ of shop/j ! invalid reference format",
			},
		},
		"a tag that containers have too": {
			map[string]string{
				"shop/.env":         "TAG=1.25\n",
				"shop/compose.yaml": "services:\n  a:\n    image: nginx:${TAG}\n    environment: {V: \"${TAG}\"}\n",
			},
			[]string{"shop/compose.yaml:3:12 services.a.image nginx:1.25 of shop/a +shop/.env:1"},
		},
		"a tag of a file that containers have too": {
			map[string]string{
				"shop/.env":         "TAG=1.25\n",
				"shop/compose.yaml": "services:\n  a:\n    image: nginx:${TAG}\n    env_file: [{path: .env}, x]\n",
			},
			[]string{"shop/compose.yaml:3:12 services.a.image nginx:1.25 of shop/a +shop/.env:1"},
		},
		"an override": {
			map[string]string{
				"shop/compose.yaml":          "services:\n  a:\n    image: a:1\n  b:\n    image: b:1\n",
				"shop/compose.override.yaml": "services:\n  a:\n    image: a:2\n  b:\n    platform: linux/arm64\n  c:\n    image: c:1\n",
			},
			[]string{
				"shop/compose.override.yaml:3:12 services.a.image a:2 of shop/a [reference shop/compose.override.yaml a:2]",
				"shop/compose.yaml:3:12 services.a.image a:1 [reference shop/compose.yaml a:1]",
				"shop/compose.yaml:5:12 services.b.image b:1 of shop/b on linux/arm64 [reference shop/compose.yaml b:1]",
				"shop/compose.override.yaml:7:12 services.c.image c:1 of shop/c [reference shop/compose.override.yaml c:1]",
				"claims shop/compose.override.yaml",
			},
		},
		"the files of COMPOSE_FILE": {
			map[string]string{
				"shop/.env":         "COMPOSE_FILE=compose.yaml:more.yml\nCOMPOSE_PROJECT_NAME=Big.Shop\n",
				"shop/compose.yaml": "services: {a: {image: 'a:1'}}\n",
				"shop/more.yml":     "services: {a: {image: !reset null}, b: {image: 'b:1'}}\n",
			},
			[]string{
				"shop/compose.yaml:1:24 services.a.image a:1 [reference shop/compose.yaml a:1]",
				"shop/more.yml:1:49 services.b.image b:1 of bigshop/b [reference shop/more.yml b:1]", "claims shop/more.yml",
			},
		},
		"extends": {
			map[string]string{
				"shop/compose.yaml": "services:\n  a: {extends: {file: ../lib/base.yml, service: x}}\n  b: {extends: a, image: 'b:1'}\n  c: {extends: c}\n  d: {extends: {service: no}}\n  e: {extends: {file: no.yml, service: x}}\n  f: {extends: {file: ../../x.yml, service: x}}\n",
				"lib/base.yml":      "services:\n  x: {extends: y, platform: linux/amd64}\n  y: {image: 'y:1'}\n",
			},
			[]string{
				"lib/base.yml:3:15 services.y.image y:1 of shop/a on linux/amd64 [reference lib/base.yml y:1]",
				"shop/compose.yaml:3:27 services.b.image b:1 of shop/b on linux/amd64 [reference shop/compose.yaml b:1]",
				`shop/compose.yaml:4:16 problem: unsupported: the service "c" extends itself`,
				`shop/compose.yaml:5:16 problem: not-found: there is no service "no" in "shop/compose.yaml" to extend`,
				`shop/compose.yaml:6:23 problem: not-found: read "shop/no.yml": file does not exist`,
				`shop/compose.yaml:7:23 problem: blocked: the file is not read: "../../x.yml" leads out of the tree`,
			},
		},
		"include": {
			map[string]string{
				"shop/compose.yaml":  "include:\n  - ../lib/compose.yaml\n  - path: [more.yml, over.yml]\n    env_file: x.env\n  - https://example.com/c.yml\n  - oci://a/b\nname: one\nservices:\n  a: {image: a}\n",
				"lib/compose.yaml":   "include: [../shop/compose.yaml]\nservices: {l: {image: 'l:$L'}}\n",
				"lib/.env":           "L=7\n",
				"shop/more.yml":      "services: {m: {image: 'm:$M'}}\n",
				"shop/over.yml":      "services: {m: {image: 'o:$M'}}\n",
				"shop/x.env":         "M=8\n",
				"shop/unrelated.yml": "services: {m: {image: 'o:$M'}}\n",
			},
			[]string{
				"shop/compose.yaml:9:14 services.a.image a of one/a [reference shop/compose.yaml a]",
				"lib/compose.yaml:2:24 services.l.image l:7 of one/l [tag lib/.env 7] +lib/.env:1",
				"shop/over.yml:1:24 services.m.image o:8 of one/m +shop/x.env:1",
				"shop/more.yml:1:24 services.m.image m:8 +shop/x.env:1",
				`lib/compose.yaml:1:11 problem: unsupported: "shop/compose.yaml" is included by what it includes`,
				`shop/compose.yaml:5:5 problem: unsupported: "https://example.com/c.yml" is not in the tree; what it declares is not known`,
				`shop/compose.yaml:6:5 problem: unsupported: "oci://a/b" is not in the tree; what it declares is not known`,
				"claims lib/compose.yaml shop/more.yml shop/over.yml",
			},
		},
		"builds": {
			map[string]string{
				"shop/compose.yaml":   "services:\n  a:\n    build: ./app\n    image: me/a:1\n  b:\n    image: me/b:1\n    pull_policy: always\n    build:\n      context: .\n      dockerfile: x/Dockerfile\n      args: [BASE=debian:12, NO]\n      additional_contexts:\n        src: docker-image://busybox:1\n        other: ./x\n      cache_from: [\"type=registry,ref=me/cache:1\", \"type=gha\", me/b:0]\n  c: {build: \"https://example.com/x.git\"}\n  d: {build: ../..}\n  e: {build: none}\n  f: {build: ./app}\n",
				"shop/app/Dockerfile": "FROM alpine:3\n",
				"shop/x/Dockerfile":   "ARG BASE=a\nARG NO=b\nFROM $BASE\nFROM $NO\nFROM src\nCOPY --from=other a b\n",
			},
			[]string{
				"shop/compose.yaml:4:12 services.a.image me/a:1 of shop/a" + either,
				"shop/compose.yaml:6:12 services.b.image me/b:1 of shop/b [reference shop/compose.yaml me/b:1]",
				"shop/compose.yaml:13:29 services.b.build.additional_contexts.src busybox:1 [reference shop/compose.yaml busybox:1]",
				"shop/compose.yaml:15:39 services.b.build.cache_from[0] me/cache:1 artifact [reference shop/compose.yaml me/cache:1]",
				"shop/compose.yaml:15:64 services.b.build.cache_from[2] me/b:0 artifact [reference shop/compose.yaml me/b:0]",
				"shop/app/Dockerfile:1:6 stages[0].from alpine:3 [reference shop/app/Dockerfile alpine:3]",
				"shop/compose.yaml:11:19 stages[0].from debian:12 [reference shop/compose.yaml debian:12] +shop/x/Dockerfile:3",
				"shop/x/Dockerfile:4:6 stages[1].from ${NO} ! build argument NO is taken from the environment of the build",
				`shop/compose.yaml:16:15 problem: unsupported: it is built from "https://example.com/x.git", which is not in the tree: what that builds on is not known`,
				`shop/compose.yaml:17:14 problem: blocked: what is built there is not read: "../.." leads out of the tree`,
				`shop/compose.yaml:18:14 problem: not-found: what is built there is not known: read "shop/none/Dockerfile": file does not exist`,
				"claims shop/app/Dockerfile shop/x/Dockerfile",
			},
		},
		"a Dockerfile in it": {
			map[string]string{"shop/compose.yaml": "services:\n  a:\n    build:\n      args: {V: '1.2'}\n      dockerfile_inline: |\n        # intact:ignore REF001 why\n        FROM alpine:3\n        FROM b:1 AS b\n\n        RUN <<EOF\n        FROM no\n        EOF\n        ARG V=2\n        FROM c:x\n        FRM\n  b:\n    build:\n      dockerfile_inline: \"FROM q:1\\nFROM r:1\\n\"\n"},
			[]string{
				"shop/compose.yaml:7:14 stages[0].from alpine:3 [reference shop/compose.yaml alpine:3] ignore REF001: why",
				"shop/compose.yaml:8:14 stages[1].from b:1 [reference shop/compose.yaml b:1]",
				"shop/compose.yaml:14:14 stages[2].from c:x [reference shop/compose.yaml c:x]",
				"shop/compose.yaml:18:26 stages[0].from q:1",
				"shop/compose.yaml:18:26 stages[1].from r:1",
				`shop/compose.yaml:15:9 problem: unsupported: the Dockerfile in it: unknown instruction "frm"`,
			},
		},
		"what is built and never pulled": {
			map[string]string{
				"shop/compose.yaml":   "services:\n  a: {image: 'me/a:1', pull_policy: build, build: app}\n  b: {image: 'me/b:1', pull_policy: never, build: app}\n  c: {image: 'me/a:1'}\n  d: {image: 'me/b:1'}\n  e: {image: 'me/b:1', pull_policy: never}\n  f: {image: 'me/g:1', pull_policy: never}\n  g: {image: 'me/g:1', build: app}\n  h: {image: 'me/h:1', build: app}\n  i: {image: 'me/h:1', build: app, pull_policy: build}\n  j: {image: 'me/h:1'}\n",
				"shop/app/Dockerfile": "FROM x\n",
			},
			[]string{
				"shop/compose.yaml:2:15 services.a.image me/a:1 of shop/a" + here,
				"shop/compose.yaml:3:15 services.b.image me/b:1 of shop/b" + here,
				"shop/compose.yaml:4:15 services.c.image me/a:1 of shop/c" + here,
				"shop/compose.yaml:5:15 services.d.image me/b:1 of shop/d" + either, // it pulls what b then finds there
				"shop/compose.yaml:6:15 services.e.image me/b:1 of shop/e" + here,
				"shop/compose.yaml:7:15 services.f.image me/g:1 of shop/f" + here,
				"shop/compose.yaml:8:15 services.g.image me/g:1 of shop/g" + either,
				"shop/compose.yaml:9:15 services.h.image me/h:1 of shop/h" + either,
				"shop/compose.yaml:10:15 services.i.image me/h:1 of shop/i" + here,
				"shop/compose.yaml:11:15 services.j.image me/h:1 of shop/j" + here,
				"shop/app/Dockerfile:1:6 stages[0].from x [reference shop/app/Dockerfile x]",
				"claims shop/app/Dockerfile",
			},
		},
		"what another service builds": {
			map[string]string{
				"shop/compose.yaml":   "services:\n  a: {image: 'me/a:1'}\n  b: {image: 'me/a:1', pull_policy: always}\n  c:\n    image: me/a:1\n    build:\n      context: app\n      x-bake:\n        contexts: {x: 'docker-image://x:1'}\n        cache-from: ['me/cache:1']\n        tags: ['me/a:2']\n",
				"shop/app/Dockerfile": "FROM x\n",
			},
			[]string{
				"shop/compose.yaml:2:15 services.a.image me/a:1 of shop/a" + either,
				"shop/compose.yaml:3:15 services.b.image me/a:1 of shop/b [reference shop/compose.yaml me/a:1]",
				"shop/compose.yaml:5:12 services.c.image me/a:1 of shop/c" + either,
				"shop/compose.yaml:9:39 services.c.build.x-bake.contexts.x x:1 [reference shop/compose.yaml x:1]",
				"shop/compose.yaml:10:23 services.c.build.x-bake.cache-from[0] me/cache:1 artifact [reference shop/compose.yaml me/cache:1]",
				"claims shop/app/Dockerfile",
			},
		},
		"volumes and models": {
			map[string]string{"shop/compose.yaml": "services:\n  a:\n    image: a:1\n    volumes:\n      - {type: image, source: 'files:1', target: /x}\n      - ./x:/y\nmodels:\n  m: {model: ai/smollm2}\n"},
			[]string{
				"shop/compose.yaml:3:12 services.a.image a:1 of shop/a [reference shop/compose.yaml a:1]",
				"shop/compose.yaml:5:32 services.a.volumes[0].source files:1 of shop/a [reference shop/compose.yaml files:1]",
				"shop/compose.yaml:8:14 models.m.model ai/smollm2 artifact [reference shop/compose.yaml ai/smollm2]",
			},
		},
		"anchors": {
			map[string]string{"shop/compose.yaml": "x-base: &base\n  image: &i a:1\n  read_only: true\nservices:\n  a: {<<: *base}\n  b: {image: *i}\n"},
			[]string{
				"shop/compose.yaml:2:13 services.a.image a:1 of shop/a [reference shop/compose.yaml a:1]",
				"shop/compose.yaml:2:13 services.b.image a:1 of shop/b [reference shop/compose.yaml a:1] +shop/compose.yaml:6",
			},
		},
		"what cannot be read": {
			map[string]string{"shop/compose.yaml": "services:\n  a: {image: [x]}\n  b: text\n  c: {image: ''}\n  d: {image: A:1}\n  e: {image: e:1, image: e:2, platform: a/}\n---\nservices: {\n---\nservices: {f: {image: f:1}}\n", "shop/.env": "A=1\n%%\n"},
			[]string{
				"shop/compose.yaml:4:15 services.c.image  of shop/c ! it is empty",
				"shop/compose.yaml:5:14 services.d.image A:1 of shop/d ! the repository must be lower case",
				"shop/compose.yaml:6:26 services.e.image e:2 of shop/e [reference shop/compose.yaml e:2]",
				"shop/compose.yaml:10:23 services.f.image f:1 of shop/f [reference shop/compose.yaml f:1]",
				"shop/compose.yaml:3:6 problem: unsupported: the service \"b\" is no mapping",
				"shop/compose.yaml:9:1 problem: unsupported: not valid YAML: did not find expected node content",
				`shop/.env:2:1 problem: unsupported: unexpected character "%" in variable name "%%"`,
				"shop/compose.yaml:2:14 problem: unsupported: an image is a text",
				`shop/compose.yaml:6:41 problem: unsupported: parse platform "a/": empty part`,
				`shop/compose.yaml:6:19 problem: unsupported: the key "image" is there twice, first in line 6; which of them counts is up to the reader`,
			},
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, read(t, "shop/compose.yaml", tt.files)); d != "" {
				t.Error(d)
			}
		})
	}
}

const digest = "9f2c41d0a7be55c3d1e8f0a64b7792ce3c05d8814fa6b1e2907d3358c61fe0ab"
