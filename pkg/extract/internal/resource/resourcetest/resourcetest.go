// Package resourcetest runs cases that are files: a tree, and what an extractor
// has to find in it.
package resourcetest

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

var update = flag.Bool("update", false, "write what is found into the cases")

// Run runs the cases testdata/*.txtar. The section "want" of each has a line for
// all that a walk with x finds.
func Run(t *testing.T, x extract.Extractor) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			t.Parallel()
			one(t, p, x)
		})
	}
}

func one(t *testing.T, p string, x extract.Extractor) {
	a, err := txtar.ParseFile(p)
	if err != nil {
		t.Fatal(err)
	}
	fsys, want := fstest.MapFS{}, -1
	for i, f := range a.Files {
		if f.Name == "want" {
			want = i
			continue
		}
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	tree, err := extract.Walk(t.Context(), fsys, []string{"."}, extract.Options{Extractors: []extract.Extractor{x}})
	if err != nil {
		t.Fatal(err)
	}
	got := Describe(t, fsys, tree)
	if *update {
		if want < 0 {
			a.Files, want = append(a.Files, txtar.File{Name: "want"}), len(a.Files)
		}
		a.Files[want].Data = []byte(got)
		if err := os.WriteFile(p, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 {
		t.Fatal("the case has no section want")
	}
	if d := cmp.Diff(string(a.Files[want].Data), got); d != "" {
		t.Error(d)
	}
}

// Describe writes a tree as lines, and checks that what can be changed is there.
func Describe(t *testing.T, fsys fstest.MapFS, tree *extract.Tree) string {
	t.Helper()
	var b strings.Builder
	for _, f := range tree.Found {
		fmt.Fprintf(&b, "%s %s %s", place(f.Origin), f.Kind, f.Raw)
		if f.Class != "" {
			fmt.Fprintf(&b, " (%s)", f.Class)
		}
		b.WriteByte('\n')
		if f.Unresolved != "" {
			fmt.Fprintf(&b, "\tunresolved: %s\n", f.Unresolved)
		} else if f.Kind == ref.KindImage && f.Ref.String() != f.Raw {
			t.Errorf("%s: %q is not %q", place(f.Origin), f.Ref, f.Raw)
		}
		if f.Site != nil {
			fmt.Fprintf(&b, "\tsite: %s %s %q\n", f.Site.File, f.Site.Style, fsys[f.Site.File].Data[f.Site.Start:f.Site.End])
		}
		for _, o := range f.Related {
			fmt.Fprintf(&b, "\trelated: %s\n", place(o))
		}
		if f.Workload != (extract.Workload{}) || f.Container != "" || f.Role != "" {
			fmt.Fprintf(&b, "\tworkload: %s\n", strings.Join([]string{f.Workload.Kind, f.Workload.Namespace, f.Workload.Name, f.Container, string(f.Role)}, "/"))
		}
		if s := f.Settings; s != nil {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "\tsettings: %s\n", text)
		}
		if f.Platform != (ref.Platform{}) {
			fmt.Fprintf(&b, "\tplatform: %s\n", f.Platform)
		}
		ignored(&b, f.Ignored)
	}
	for _, o := range tree.Objects {
		text := string(o.Fact.TagsMutable)
		if o.Fact.Unresolved != "" {
			text += " unresolved: " + o.Fact.Unresolved
		}
		if o.Fact.Kind != fact.ObjectRegistry {
			t.Errorf("an object of kind %q", o.Fact.Kind)
		}
		fmt.Fprintf(&b, "%s %s %s %s %q\n", place(o.Origin), o.Fact.Type, o.Fact.Name, text, o.Fact.Exclusions)
		ignored(&b, o.Ignored)
	}
	for _, p := range tree.Problems {
		fmt.Fprintf(&b, "%s problem %s: %s\n", place(p.Origin), p.Cause, p.Why)
	}
	return b.String()
}

func ignored(b *strings.Builder, all []extract.Ignore) {
	for _, i := range all {
		fmt.Fprintf(b, "\tignored: %s %s, line %d\n", i.Check, i.Reason, i.Line)
	}
}

func place(o ref.Origin) string {
	s := fmt.Sprintf("%s:%d:%d", o.Where, o.Line, o.Column)
	if o.Path != "" {
		s += " " + o.Path
	}
	return s
}
