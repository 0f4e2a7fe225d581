package pin_test

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
)

// Lines reads a format made for these tests, which has every kind of place:
//
//	image: nginx:1.2.3            a whole reference, in quotes or not
//	repo: nginx                   three values of one reference
//	  tag: 1.2.3
//	  digest: sha256:…
//	inline {repo: nginx, tag: 1.2.3, digest: "sha256:…"}
//	let X=nginx:1.2.3             a value that "use X" uses
//	tags X=1.2.3                  a tag that "of nginx X" uses
//	action a/b@v1, machine x      what is no image
//	lie: nginx:1.2.3              reads with a digest as another name
//	odd: nginx:1.2.3              reads with a digest as another container's
//	unresolved $x, built x:dev, problem text
type lines struct{}

func (lines) Match(p string, _ []byte) bool { return strings.HasSuffix(p, ".txt") }

var (
	linePattern   = regexp.MustCompile(`(?m)^(image|lie|odd|action|machine|unresolved|built|problem|let|use|tags|of|repo|inline):? (.*?)(\r?)$`)
	tagPattern    = regexp.MustCompile(`^\r?\n  tag: ([^ \r\n]+)`)
	digestPattern = regexp.MustCompile(`^\r?\n  digest: "?([^ "\r\n]+)"?`)
	inlinePattern = regexp.MustCompile(`^\{repo: ([^ ,]+), tag: ([^ ,}]+)(?:, digest: "?([^"}]+)"?)?\}$`)
)

func (lines) Extract(fsys fs.FS, p string) (extract.Result, error) {
	b, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	text := string(b)
	var out extract.Result
	type value struct {
		text string
		at   int
	}
	values := map[string]value{}
	add := func(at int, raw string, style extract.Style, start, end int) *extract.Found {
		line := strings.Count(text[:at], "\n") + 1
		f := extract.Found{Raw: raw, Kind: ref.KindImage, Origin: ref.Origin{Kind: "file", Where: p, Line: line, Column: at - strings.LastIndexByte(text[:at], '\n')}}
		f.Ref, err = ref.Parse(raw)
		if err != nil {
			f.Unresolved = err.Error()
		}
		if style != "" {
			f.Site = &extract.Site{File: p, Start: start, End: end, Style: style}
		}
		out.Found = append(out.Found, f)
		return &out.Found[len(out.Found)-1]
	}
	for _, m := range linePattern.FindAllStringSubmatchIndex(text, -1) {
		start, end := m[4], m[5]
		rest := text[start:end]
		if len(rest) > 1 && rest[0] == '"' {
			start, end = start+1, end-1
			rest = text[start:end]
		}
		switch text[m[2]:m[3]] {
		case "image":
			add(start, rest, extract.StyleReference, start, end)
		case "lie":
			f := add(start, rest, extract.StyleReference, start, end)
			if f.Ref.Digest != "" {
				f.Ref.Name = "elsewhere"
			}
		case "odd":
			if f := add(start, rest, extract.StyleReference, start, end); f.Ref.Digest != "" {
				f.Container = "another"
			}
		case "action":
			f := add(start, rest, extract.StyleCommit, start+strings.IndexByte(rest, '@')+1, end)
			f.Kind, f.Class, f.Ref = ref.KindAction, ref.Floating, ref.Ref{}
		case "machine":
			f := add(start, rest, "", 0, 0)
			f.Kind, f.Class, f.Ref = ref.KindMachineImage, ref.Floating, ref.Ref{}
		case "unresolved":
			f := add(start, rest, "", 0, 0)
			f.Ref, f.Unresolved = ref.Ref{}, "variable "+rest
		case "built":
			f := add(start, rest, "", 0, 0)
			f.Ref, f.Unresolved, f.Built = ref.Ref{}, "built here", true
		case "problem":
			out.Problems = append(out.Problems, extract.Problem{Origin: ref.Origin{Kind: "file", Where: p}, Cause: fact.Unsupported, Why: rest})
		case "let", "tags":
			name, v, _ := strings.Cut(rest, "=")
			values[name] = value{v, start + len(name) + 1}
		case "use":
			v := values[rest]
			add(start, v.text, extract.StyleReference, v.at, v.at+len(v.text))
		case "of":
			repo, name, _ := strings.Cut(rest, " ")
			v := values[name]
			add(start, repo+":"+v.text, extract.StyleTag, v.at, v.at+len(v.text))
		case "repo":
			raw, after := rest, end
			var tag, dig []int
			if tag = tagPattern.FindStringSubmatchIndex(text[after:]); tag != nil {
				raw += ":" + text[after+tag[2]:after+tag[3]]
				if dig = digestPattern.FindStringSubmatchIndex(text[after+tag[1]:]); dig != nil {
					at := after + tag[1]
					raw += "@" + text[at+dig[2]:at+dig[3]]
					add(start, raw, extract.StyleDigest, at+dig[2], at+dig[3])
					continue
				}
				f := add(start, raw, extract.StyleDigest, after+tag[1], after+tag[1])
				f.Site.Before = "\n  digest: "
				continue
			}
			add(start, raw, "", 0, 0)
		case "inline":
			x := inlinePattern.FindStringSubmatchIndex(rest)
			raw := rest[x[2]:x[3]] + ":" + rest[x[4]:x[5]]
			if x[6] >= 0 {
				add(start, raw+"@"+rest[x[6]:x[7]], extract.StyleDigest, start+x[6], start+x[7])
				continue
			}
			f := add(start, raw, extract.StyleDigest, start+x[5], start+x[5])
			f.Site.Before, f.Site.After = `, digest: "`, `"`
		}
	}
	return out, nil
}

// resolver is what tags mean: "canonical:tag" -> one letter of a digest.
type resolver map[string]string

func (r resolver) Resolve(_ context.Context, x ref.Ref) (ref.Digest, error) {
	if c := r[x.String()]; c != "" {
		return digest(c), nil
	}
	return "", &pin.CausedError{Cause: fact.NotFound, Err: fmt.Errorf("get manifest %q: 404", x)}
}

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

var tags = resolver{
	"docker.io/library/nginx:1.2.3": "a", "docker.io/library/nginx:latest": "b", "docker.io/library/redis:7.0.0": "c", "ghcr.io/acme/api:main": "d",
	"docker.io/library/redis:1.2.3": "e",
}

func walk(ctx context.Context, fsys fs.FS) (*extract.Tree, error) {
	return extract.Walk(ctx, fsys, []string{"."}, extract.Options{Extractors: []extract.Extractor{lines{}}})
}

// plan makes a plan for files, each a text of the format.
func plan(t testing.TB, mode pin.Mode, r pin.Resolver, files map[string]string) *pin.Plan {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := walk(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pin.Make(t.Context(), fsys, tree, pin.Options{Mode: mode, Resolver: r, Walk: walk})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one is what becomes of one text, with A to F for digests, and why references
// stay.
func one(t testing.TB, mode pin.Mode, text string) (got string, left []string) {
	t.Helper()
	long := text
	for _, c := range "ABCDEF" {
		long = strings.ReplaceAll(long, "@"+string(c), "@"+string(digest(strings.ToLower(string(c)))))
		long = strings.ReplaceAll(long, "$"+string(c), string(digest(strings.ToLower(string(c)))))
	}
	p := plan(t, mode, tags, map[string]string{"a.txt": long})
	got = long
	for _, f := range p.Files {
		if string(f.Old) != long {
			t.Errorf("it was read as %q", f.Old)
		}
		got = string(f.New)
	}
	for _, l := range p.Left {
		kind := "left"
		if l.Note {
			kind = "note"
		}
		left = append(left, kind+" "+l.Found.Raw+": "+l.Why)
	}
	for _, c := range "ABCDEF" {
		got = strings.ReplaceAll(got, "@"+string(digest(strings.ToLower(string(c)))), "@"+string(c))
		got = strings.ReplaceAll(got, string(digest(strings.ToLower(string(c)))), "$"+string(c))
	}
	return got, left
}
