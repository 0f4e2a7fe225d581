package kubernetes_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
)

const example = `# two objects
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: app
        # intact:ignore REF001 the team follows this tag
        image: "acme/app:1.2" # {"$imagepolicy": "flux-system:app"}
      - {name: side, image: *s}
      - name: old
        image: &s acme/side:2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: a, image: 'é'}, {name: b, image: $(x)}, {name: c, image: c}]}
`

func valid() string {
	return strings.Replace(example, "      - {name: side, image: *s}\n", "", 1) +
		"---\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"image\": \"acme/j:1\"}]}}\n"
}

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{Extractor: kubernetes.Extractor{}, Path: "deploy.yaml",
		Files: map[string]string{"deploy.yaml": valid()}})
}

func TestMatch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("# licence\n", 500)[:extract.HeadSize]
	tests := []struct {
		path, head string
		want       bool
	}{
		{"a.yaml", "apiVersion: v1", true},
		{"a.yml", "x: 1\n---\napiVersion: v1", true},
		{"a.json", `{"kind": "Pod", "apiVersion": "v1"}`, true},
		{"a.json", `{"kind": "Pod", "api\u0056ersion": "v1"}`, true},
		{"a.yaml", long, true},
		{"a.yaml", "\xff\xfea\x00", true},
		{"a.yaml", "services: {}\n", false},
		{"a.yaml", "pattern: '\\.go$'\n", false},
		{"a.yaml", "apiVersion\x00", false},
		{"dump", "\xef\xbb\xbf# x\n\n---\napiVersion: v1\n", true},
		{"dump", `{"apiVersion":"v1"}`, true},
		{"README.md", "Write apiVersion: v1\n", false},
		{"main.go", long, false},
	}
	for _, tt := range tests {
		if got := (kubernetes.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("Match(%q, %.20q) is %v", tt.path, tt.head, got)
		}
	}
}

func TestCommentsAndConfiguredKinds(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a.yaml": {Data: []byte(valid())}, "b.yaml": {Data: []byte("apiVersion: x.io/v1\nkind: Db\nspec: {runs: a:1}\n")}}
	e := kubernetes.Extractor{CRDs: []kubernetes.CRD{{Group: "x.io", Kind: "Db", Images: []string{"spec.runs"}}}}
	r, err := e.Extract(fsys, "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]extract.Ignore{{Check: "REF001", Reason: "the team follows this tag", Line: 10}}, r.Found[0].Ignored); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(extract.Workload{Kind: "Deployment", Namespace: "shop", Name: "web"}, r.Found[0].Workload); diff != "" {
		t.Errorf("workload (-want +got):\n%s", diff)
	}
	if r, err = e.Extract(fsys, "b.yaml"); err != nil || len(r.Found) != 1 || r.Found[0].Raw != "a:1" {
		t.Errorf("a configured kind: %v, error %v", r, err)
	}
}

// A word can be written by the numbers of its letters.
func TestEscapedWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"api\u0056ersion": "v1", "kind": "Pod", "spec": {"containers": [{"im\u0061ge": "a:1"}]}}`,
		"\"api\\x56ersion\": v1\nkind: Pod\nspec: {containers: [{\"im\\x61ge\": 'a:1'}]}\n",
	} {
		r, err := kubernetes.Extractor{}.Extract(fstest.MapFS{"a.json": {Data: []byte(text)}}, "a.json")
		if err != nil || len(r.Found) != 1 || r.Found[0].Raw != "a:1" {
			t.Errorf("%s: %+v, error %v", text, r, err)
		}
	}
}

// What is broken is told with its place, and the rest is read.
func TestBrokenDocuments(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a.yaml": {Data: []byte("kind: Pod\napiVersion: v1\nspec:\n  image: {{ x\n---\n" + valid())}}
	r, err := kubernetes.Extractor{}.Extract(fsys, "a.yaml")
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Origin.Line < 4 || len(r.Found) != 6 {
		t.Errorf("%d found, problems %+v, error %v", len(r.Found), r.Problems, err)
	}
}

// disks are lines that name the image of a disk, in a Ceph cluster.
var disks = []string{"_archived/volumes/rbd/rbd-with-secret.yaml:20", "_archived/volumes/rbd/rbd.yaml:20"}

// All 133 lines of Kubernetes' own examples that name an image.
func TestExamplesOfKubernetes(t *testing.T) {
	t.Parallel()
	fsys := os.DirFS(suites(t))
	tree, err := extract.Walk(t.Context(), fsys, []string{"."}, extract.Options{Extractors: []extract.Extractor{kubernetes.Extractor{}}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range tree.Found {
		found[fmt.Sprintf("%s:%d", f.Origin.Where, f.Origin.Line)] = true
		if f.Workload.Kind == "" || f.Settings == nil {
			t.Errorf("%s:%d: of %+v, settings %v", f.Origin.Where, f.Origin.Line, f.Workload, f.Settings)
		}
	}
	lines := 0
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, p)
		n := 0
		for line := range bytes.Lines(b) {
			n++
			if s := strings.TrimPrefix(strings.TrimSpace(string(line)), "- "); strings.HasPrefix(s, "image:") {
				lines++
				if at := fmt.Sprintf("%s:%d", p, n); found[at] == slices.Contains(disks, at) {
					t.Errorf("%s is found: %v; it says %s", at, found[at], s)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines != 133 || len(found)+len(disks) != 133 {
		t.Errorf("%d lines name an image, %d are found beside %d disks, want 133", lines, len(found), len(disks))
	}
	for _, p := range tree.Problems {
		t.Logf("%s:%d: %s", p.Origin.Where, p.Origin.Line, p.Why)
	}
}

// suites finds public test data beside the repository.
func suites(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "suites", "kubernetes-examples")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the test data of other projects is not there: ../shared/suites/kubernetes-examples")
	}
	return dir
}
