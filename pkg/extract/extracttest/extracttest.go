// Package extracttest is the conformance suite of extractors: what each of them
// must do, whatever it reads.
//
//	func TestConformance(t *testing.T) {
//		extracttest.Run(t, extracttest.Suite{
//			Extractor: kubernetes.New(),
//			Path:      "deploy.yaml",
//			Files:     map[string]string{"deploy.yaml": deployment},
//		})
//	}
package extracttest

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Suite is an extractor and an example of what it reads.
type Suite struct {
	Extractor extract.Extractor
	// Path is the file that is read, Files are that and those beside it, with LF at
	// the ends of lines. At least one reference in them must have a Site. Keep them
	// small: they are read anew for each of their bytes.
	Path  string
	Files map[string]string
	// NoMatch is set if Path is not recognised by itself.
	NoMatch bool
	// Replacement is what a whole reference is replaced by; "" =
	// registry.example/other/app:9.9.9. The Ref has to become this.
	Replacement string
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Replacement == "" {
		s.Replacement = "registry.example/other/app:9.9.9"
	}
	tests := []struct {
		name string
		run  func(*testing.T, Suite)
	}{
		{"it matches its file", matches},
		{"what is found is complete", complete},
		{"the same twice", twice},
		{"used concurrently", concurrent},
		{"sites are the bytes of references", sites},
		{"a site that is changed changes one reference", replace},
		{"a digest that is added is found", pin},
		{"lines end with CRLF", crlf},
		{"a byte order mark", byteOrderMark},
		{"UTF-16", utf16le},
		{"cut short at each byte", truncated},
		{"too large", huge},
		{"binary", binary},
		{"not there", missing},
		{"links out of the tree", links},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, s)
		})
	}
}

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func (s Suite) read(t *testing.T, fsys fs.FS) extract.Result {
	t.Helper()
	r, err := s.Extractor.Extract(fsys, s.Path)
	if err != nil {
		t.Fatalf("extract %s: %v", s.Path, err)
	}
	return r
}

// with returns the files, one of them changed.
func (s Suite) with(name, text string) map[string]string {
	files := maps.Clone(s.Files)
	files[name] = text
	return files
}

func matches(t *testing.T, s Suite) {
	text := s.Files[s.Path]
	head := []byte(text[:min(len(text), extract.HeadSize)])
	if s.Extractor.Match(s.Path, head) == s.NoMatch {
		t.Errorf("Match(%q) is %v", s.Path, s.NoMatch)
	}
	if s.Extractor.Match("picture.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")) {
		t.Error("it wants a picture")
	}
}

// complete checks what each Found has to say.
func complete(t *testing.T, s Suite) {
	r := s.read(t, tree(s.Files))
	if len(r.Found)+len(r.Objects) == 0 {
		t.Fatalf("nothing is found; problems: %v", r.Problems)
	}
	for _, f := range r.Found {
		name := fmt.Sprintf("%q at %d:%d", f.Raw, f.Origin.Line, f.Origin.Column)
		o := f.Origin
		if _, ok := s.Files[o.Where]; !ok || o.Kind != "file" || o.Line < 1 || o.Column < 1 {
			t.Errorf("%s: the origin %+v is no place in a file", name, o)
		} else if o.Line > strings.Count(s.Files[o.Where], "\n")+1 {
			t.Errorf("%s: %s does not have so many lines", name, o.Where)
		}
		switch f.Kind {
		case ref.KindImage, ref.KindArtifact:
			if (f.Ref == ref.Ref{}) == (f.Unresolved == "") {
				t.Errorf("%s: it is %v and unresolved %q", name, f.Ref, f.Unresolved)
			}
		case ref.KindMachineImage, ref.KindAction:
			if f.Class == "" && f.Unresolved == "" {
				t.Errorf("%s: a %s has a class or is unresolved", name, f.Kind)
			}
		default:
			t.Errorf("%s: the kind %q", name, f.Kind)
		}
		if f.Unresolved != "" && f.Site != nil && f.Kind != ref.KindAction {
			t.Errorf("%s: nobody knows its digest, and it has a site", name)
		}
	}
	for _, p := range r.Problems {
		if p.Cause == "" || p.Why == "" || p.Origin.Where == "" {
			t.Errorf("the problem %+v does not say what, where and why", p)
		}
	}
}

func twice(t *testing.T, s Suite) {
	if diff := cmp.Diff(s.read(t, tree(s.Files)), s.read(t, tree(s.Files))); diff != "" {
		t.Errorf("the second time (-first +second):\n%s", diff)
	}
}

func concurrent(t *testing.T, s Suite) {
	fsys := tree(s.Files)
	want := s.read(t, fsys)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := s.Extractor.Extract(fsys, s.Path)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("beside others, error %v (-alone +beside):\n%s", err, diff)
			}
		})
	}
	wg.Wait()
}
