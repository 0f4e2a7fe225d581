package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// describe says in one line each what was found: place, text, platform, what a
// pin would change (in brackets, in the file that it is in), what is related.
func describe(files map[string]string, found []extract.Found, problems []extract.Problem) []string {
	var out []string
	for _, f := range found {
		s := fmt.Sprintf("%d:%d %s", f.Origin.Line, f.Origin.Column, f.Raw)
		if f.Origin.Where != "Dockerfile" {
			s = f.Origin.Where + ":" + s
		}
		if p := f.Platform.String(); p != "" {
			s += " on " + p
		}
		if f.Site != nil {
			s += fmt.Sprintf(" [%s %s]", f.Site.Style, files[f.Site.File][f.Site.Start:f.Site.End])
		}
		for _, r := range f.Related {
			s += fmt.Sprintf(" +%d", r.Line)
		}
		if f.Unresolved != "" {
			s += " ! " + f.Unresolved
		}
		for _, i := range f.Ignored {
			s += fmt.Sprintf(" ignore %s: %s", i.Check, i.Reason)
		}
		out = append(out, s)
	}
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d:%d problem: %s", p.Origin.Line, p.Origin.Column, p.Why))
	}
	return out
}

func read(t *testing.T, text string, b dockerfile.Build) []string {
	t.Helper()
	refs, problems, err := dockerfile.Read(written.NewFile("Dockerfile", []byte(text)), b)
	if err != nil {
		t.Fatal(err)
	}
	return describe(map[string]string{"Dockerfile": text, "bake.hcl": bake}, written.Settle(refs), problems)
}

// bake is where the arguments of a build stand.
const bake = `args = { BASE = "debian:12" }`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"stages are no images, whatever their case": {
			"FROM golang:1.22 AS Build\nfrom build\nFROM scratch\nCOPY --from=BUILD /a /b\nCOPY --from=0 /a /b\nCOPY --from=later /a /b\nFROM alpine:3 as later\n",
			[]string{"1:6 golang:1.22 [reference golang:1.22]", "7:6 alpine:3 [reference alpine:3]"},
		},
		"a name that a later stage has is an image": {
			"FROM later\nFROM a:1 AS later\n",
			[]string{"1:6 later [reference later]", "2:6 a:1 [reference a:1]"},
		},
		"lines that go on": {
			"FROM \\\n  --platform=linux/arm64 \\\n# intact:ignore REF001 vendored\n  alpine:3.18 \\\n\n  AS a\n",
			[]string{"4:3 alpine:3.18 on linux/arm64 [reference alpine:3.18] ignore REF001: vendored"},
		},
		"a reference on two lines": {
			"FROM alpine:\\\n3.18\nFROM alp\\\nine:3.19@sha256:\\\nb\n",
			[]string{"1:6 alpine:3.18 [tag 3.18] +2", "3:6 alpine:3.19@sha256:b +4 +5 ! invalid reference format"},
		},
		"quotes": {
			`FROM "alpine:3.18"` + "\nCOPY --from='busybox:1' a b\n",
			[]string{"1:7 alpine:3.18 [reference alpine:3.18]", "2:14 busybox:1 [reference busybox:1]"},
		},
		"another escape": {
			"# escape=`\nFROM `\n alpine:3\nRUN c:\\\nFROM b:1\n",
			[]string{"3:2 alpine:3 [reference alpine:3]", "5:6 b:1 [reference b:1]"},
		},
		"copied from images": {
			"FROM scratch\nCOPY --chown=1 --from=nginx:1.25 a b\nADD --from=busybox a b\nRUN --mount=type=bind,from=golang:1,target=/x --mount=target=/y,\"from=node:20\" go\nCOPY --from=9 a b\nCOPY --from=$X a b\n",
			[]string{
				"2:23 nginx:1.25 [reference nginx:1.25]", "3:12 busybox [reference busybox]", "4:28 golang:1 [reference golang:1]", "4:71 node:20 [reference node:20]",
				"6:13 $X ! variables mean nothing here; name a stage that is FROM it", "5:13 problem: there is no stage 9",
			},
		},
		"heredocs hold no instructions": {
			"FROM a:1\nRUN <<EOF cat > x <<-'E2'\nFROM no:1\nEOF\nFROM no:2\n\tE2\nCOPY <<Dockerfile /x\nFROM no:3\nDockerfile\nRUN [\"<<EOF\"]\nFROM b:1\n",
			[]string{"1:6 a:1 [reference a:1]", "11:6 b:1 [reference b:1]"},
		},
		"a heredoc without an end": {
			"FROM a:1\nRUN <<EOF\nFROM no:1\n",
			[]string{"1:6 a:1 [reference a:1]", "2:1 problem: unterminated heredoc"},
		},
		"syntax": {
			"# syntax=docker/dockerfile:1.7 more\n# escape=\\\nFROM a:1\n",
			[]string{"1:10 docker/dockerfile:1.7 [reference docker/dockerfile:1.7]", "3:6 a:1 [reference a:1]"},
		},
		"no directive after a comment": {
			"# hello\n# syntax=docker/dockerfile:1\nFROM a:1\n",
			[]string{"3:6 a:1 [reference a:1]"},
		},
		"on build": {
			"FROM a:1\nONBUILD COPY --from=nginx:1 a b\nONBUILD COPY --from=build a b\nONBUILD RUN --mount=from=busybox:1 x\nONBUILD COPY --from=0 a b\nONBUILD ONBUILD COPY --from=b:1 x y\nONBUILD FROM c:1\n",
			[]string{
				"1:6 a:1 [reference a:1]", "2:21 nginx:1 [reference nginx:1]", "3:21 build ! it may be a stage of the file that is built on this one",
				"4:26 busybox:1 [reference busybox:1]", "7:14 c:1 [reference c:1]", "6:1 problem: ONBUILD ONBUILD is no instruction",
			},
		},
		"one bad instruction": {
			"FROM a:1\nCOPY --from=x:1 [\"a\", 1]\nENV A\nFORM b:1\nFROM c:1 # why\nFROM\nFROM d:1\n",
			[]string{
				"1:6 a:1 [reference a:1]", "2:13 x:1 [reference x:1]", "5:6 c:1 [reference c:1]", "7:6 d:1 [reference d:1]",
				"2:1 problem: when using JSON array syntax, arrays must be comprised of strings only", "3:1 problem: ENV must have two arguments",
				`4:1 problem: unknown instruction "form"`, `5:6 problem: FROM takes an image, or an image AS a name; after "c:1" stands "#"`, "6:1 problem: FROM without an image",
			},
		},
		"bad directives": {
			"# escape=x\n# escape=\\\nFROM a:1\n",
			[]string{"3:6 a:1 [reference a:1]", "1:1 problem: escape is \"x\"; it can be ` or \\", "2:1 problem: only one escape parser directive can be used"},
		},
		"line ends of Windows and a byte order mark": {
			"\xef\xbb\xbfFROM alpine:3\r\nCOPY --from=b:1 \\\r\n a b\r\n",
			[]string{"1:9 alpine:3 [reference alpine:3]", "2:13 b:1 [reference b:1]"},
		},
		"not UTF-8": {
			"FROM a\xff:1\n# \xff\nFROM b:1\n",
			[]string{"1:6 a\xff:1 ! it is not UTF-8", "3:6 b:1 [reference b:1]"},
		},
		"templates": {
			"FROM {{ base }}\nFROM a:1\n",
			[]string{"1:6 {{ ! invalid reference format", "2:6 a:1 [reference a:1]", `1:6 problem: FROM takes an image, or an image AS a name; after "{{" stands "base"`},
		},
		"comments silence what is below them": {
			"# intact:ignore REF001 one\nARG A=a:1\n# intact:ignore TAG001 far\n\n# intact:ignore REF003 two\n# more\nFROM $A\nFROM b:1\n",
			[]string{"2:7 a:1 [reference a:1] +7 ignore REF003: two ignore REF001: one", "8:6 b:1 [reference b:1]"},
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, read(t, tt.text, dockerfile.Build{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"the whole reference":   {"ARG BASE=alpine:3\nFROM ${BASE}\nFROM $BASE AS b\n", []string{"1:10 alpine:3 [reference alpine:3] +2", "1:10 alpine:3 [reference alpine:3] +3"}},
		"its tag":               {"ARG V=3.18\nFROM alpine:${V}\n", []string{"2:6 alpine:3.18 [tag 3.18] +1"}},
		"its tag, with another": {"ARG V=3.18\nFROM alpine:${V}\nFROM golang:1-alpine$V\n", []string{"2:6 alpine:3.18 +1", "3:6 golang:1-alpine3.18 +1"}},
		"its tag, used again":   {"ARG V=3.18\nFROM alpine:${V}\nARG V\nRUN get $V\n", []string{"2:6 alpine:3.18 +1"}},
		"part of the tag":       {"ARG V=3.18\nFROM alpine:${V}-x\n", []string{"2:6 alpine:3.18-x +1"}},
		"the digest":            {"ARG R=ghcr.io\nFROM $R/a@sha256:" + digest + "\n", []string{"2:6 ghcr.io/a@sha256:" + digest + " [digest sha256:" + digest + "] +1"}},
		"the registry alone":    {"ARG R=ghcr.io\nFROM $R/a\nFROM $R/b:1\n", []string{"2:6 ghcr.io/a +1", "3:6 ghcr.io/b:1 [tag 1] +1"}},
		"chained":               {"ARG V=1 N=a\nARG B=$N:$V\nFROM $B\n", []string{"3:6 a:1 [tag 1] +1 +2"}},
		"without a default":     {"ARG B\nFROM $B\nFROM a:${B}\nFROM ${B:-b:1}\nFROM a${B:+:$B}\n", []string{"2:6 $B ! build argument B has no default", "3:6 a:${B} ! build argument B has no default", "4:11 b:1 [reference b:1]", "5:6 a [reference a]"}},
		"with an error":         {"ARG B\nFROM ${B:?why}\nFROM ${B\n", []string{"2:6 ${B:?why} ! B: why", "3:6 ${B ! unsupported modifier (\uFFFD) in substitution"}},
		"not declared":          {"FROM a\nARG V=1\nFROM b:$V\n", []string{"1:6 a [reference a]", "3:6 b:$V ! V is no build argument declared before the first FROM"}},
		"empty":                 {"ARG B=\nFROM $B\n", []string{"2:6 $B ! it is empty without build arguments"}},
		"quoted default":        {"ARG B='a:1'\nFROM $B\n", []string{"1:8 a:1 [reference a:1] +2"}},
		"the last counts":       {"ARG B=a:1\nARG B=a:2\nARG B\nFROM $B\n", []string{"2:7 a:2 [reference a:2] +4"}},
		"depending on another":  {"ARG A\nARG B=a:$A\nFROM $B\n", []string{"2:7 a:$A +3 ! build argument A has no default"}},
		"taken apart":           {"ARG B=a:1.2\nFROM ${B%.*}\nFROM ${B/1/3}\n", []string{"2:6 a:1", "3:6 a:3.2"}},
		"taken apart, unset":    {"ARG B\nFROM a${B#x}\n", []string{"2:6 a ! build argument B has no default"}},
		"platforms": {"FROM --platform=$BUILDPLATFORM a:1\nFROM --platform=linux/arm/v7 b:1\nFROM --platform=arm64 c:1\nARG P\nFROM --platform=a/b/c/d d:1\n",
			[]string{"1:32 a:1 [reference a:1]", "2:30 b:1 on linux/arm/v7 [reference b:1]", "3:23 c:1 on linux/arm64 [reference c:1]", "5:25 d:1 [reference d:1]", `5:17 problem: parse platform "a/b/c/d": not of the form os/arch[/variant]`}},
		"stages by platform": {"FROM a:1 AS base-amd64\nFROM b:1 AS base-arm64\nFROM base-${TARGETARCH}\nFROM other-$TARGETARCH\n",
			[]string{"1:6 a:1 [reference a:1]", "2:6 b:1 [reference b:1]", "4:6 other-${TARGETARCH} ! TARGETARCH depends on the platform of the build"}},
		"stages by what is made of the platform": {"ARG S=${TARGETPLATFORM#linux/amd64} T\nARG S=${S:+un}supported\nFROM a:1 AS d-supported\nFROM b:1 AS d-unsupported\nFROM d-${S}\nFROM d-${T}\nFROM e-${S}\nFROM ${S}\n",
			[]string{"3:6 a:1 [reference a:1]", "4:6 b:1 [reference b:1]", "6:6 d-${T} ! build argument T has no default",
				"7:6 e-unsupported +2 ! TARGETPLATFORM depends on the platform of the build", "8:6 unsupported +2 ! TARGETPLATFORM depends on the platform of the build"}},
		"multiplied": {"ARG A=" + strings.Repeat("x", 100) + "\nARG B=" + strings.Repeat("$A", 60) + "\nFROM $B\n", []string{"2:7 " + strings.Repeat("$A", 60) + " +3 ! with its variables it is too long for a reference"}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, read(t, tt.text, dockerfile.Build{})); d != "" {
				t.Error(d)
			}
		})
	}
}

const digest = "9f2c41d0a7be55c3d1e8f0a64b7792ce3c05d8814fa6b1e2907d3358c61fe0ab"
