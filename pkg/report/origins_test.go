package report_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// origins are n places in which every field differs now and then.
func origins(n int) []report.Origin {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([]report.Origin, n)
	for i := range out {
		one := func(s string) string {
			if r.IntN(3) == 0 {
				return ""
			}
			return fmt.Sprint(s, r.IntN(3))
		}
		out[i] = report.Origin{
			Origin:  ref.Origin{Kind: one("k"), Where: one("prod/shop/Deployment/web"), Line: r.IntN(3) * 200, Column: r.IntN(2), Path: one("web-7d4b9c-")},
			Running: one("r"), Node: one("node"), Platform: one("p"),
		}
	}
	return out
}

func TestOriginsAreWhatWasPacked(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		list := origins(n)
		packed := report.OriginsOf(list...)
		if d := cmp.Diff(list, slices.AppendSeq([]report.Origin{}, packed.All())); d != "" || packed.Len() != n {
			t.Fatalf("%d origins, %s", packed.Len(), d)
		}
		want, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(packed)
		if d := cmp.Diff(string(want), string(got)); d != "" || err != nil {
			t.Fatal(d, err)
		}
		var back report.Origins
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(packed) || n > 1 && back.Equal(report.OriginsOf(list[1:]...)) {
			t.Fatalf("%s is read as %d origins, %v", got, back.Len(), err)
		}
		for range packed.All() {
			break
		}
	}
}

func TestNoOriginsAreNullOrEmpty(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]report.Origins{"null": {}, "[]": report.OriginsOf()} {
		var back report.Origins
		got, err := json.Marshal(o)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(o) {
			t.Errorf("%s is read as %+v, %v", got, back, err)
		}
		for range o.All() {
			t.Error("there is one")
		}
	}
	if (report.Origins{}).Equal(report.OriginsOf()) {
		t.Error("null and empty are equal")
	}
	if err := json.Unmarshal([]byte(`{}`), new(report.Origins)); err == nil {
		t.Error("an object is a list")
	}
}

func TestOriginsAreSorted(t *testing.T) {
	t.Parallel()
	var p report.Packer
	for n := range 60 {
		list := origins(n)
		l := p.List()
		for _, o := range list {
			l.Add(o)
		}
		if !l.Origins().Equal(report.OriginsOf(list...)) {
			t.Fatal("they are not in the order in which they were added")
		}
		less := func(a, b report.Origin) int { return report.OriginsOf(a).Compare(report.OriginsOf(b)) }
		slices.SortStableFunc(list, less)
		got := slices.Collect(l.Sorted().All())
		if !slices.IsSortedFunc(got, less) || l.Sorted().Compare(report.OriginsOf(list...)) != 0 {
			t.Fatal(cmp.Diff(list, got))
		}
		if n > 0 && (report.OriginsOf(list[:n-1]...).Compare(l.Sorted()) >= 0 || l.Sorted().Compare(report.OriginsOf(list[:n-1]...)) <= 0) {
			t.Fatal("one less is not before all")
		}
	}
}

func TestOriginsAreOrderedByEachField(t *testing.T) {
	t.Parallel()
	base := report.Origin{Origin: ref.Origin{Kind: "b", Where: "b", Line: 2, Column: 2, Path: "b"}, Node: "b", Running: "b"}
	edits := []func(o *report.Origin, text string, n int){
		func(o *report.Origin, text string, _ int) { o.Kind = text },
		func(o *report.Origin, text string, _ int) { o.Where = text },
		func(o *report.Origin, _ string, n int) { o.Line = n },
		func(o *report.Origin, _ string, n int) { o.Column = n },
		func(o *report.Origin, text string, _ int) { o.Path = text },
		func(o *report.Origin, text string, _ int) { o.Node = text },
		func(o *report.Origin, text string, _ int) { o.Running = text },
	}
	// One field more, and all after it less: the first decides.
	for i := range edits {
		more := base
		edits[i](&more, "c", 3)
		for _, edit := range edits[i+1:] {
			edit(&more, "a", 1)
		}
		var p report.Packer
		l := p.List()
		l.Add(more)
		l.Add(base)
		if d := cmp.Diff([]report.Origin{base, more}, slices.Collect(l.Sorted().All())); d != "" {
			t.Errorf("field %d: %s", i, d)
		}
		if report.OriginsOf(base).Compare(report.OriginsOf(more)) >= 0 {
			t.Errorf("field %d does not decide", i)
		}
	}
}

// What a target holds for one more pod of a workload is a few bytes.
func TestOriginsOfAFleetAreSmall(t *testing.T) {
	const pods = 10_000
	var p report.Packer
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // the first leaves what pools hold
	runtime.ReadMemStats(&before)
	l := p.List()
	for i := range pods {
		l.Add(report.Origin{
			Origin: ref.Origin{Kind: "kubernetes", Where: "prod/shop/Deployment/app", Path: fmt.Sprintf("app-6d4cf56db6-%05d", i)},
			Node:   fmt.Sprint("node-", i%200), Running: "registry.example.com/app@sha256:…", Platform: "linux/amd64",
		})
	}
	all := l.Sorted()
	l = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / pods; each > 20 {
		t.Errorf("%d bytes for each pod", each)
	}
	runtime.KeepAlive(all)
}

func FuzzOrigins(f *testing.F) {
	f.Add([]byte(`[{"kind":"file","where":"a.yaml","line":1,"column":2,"path":"x"},{"where":"a.yaml","node":"n","running":"r","platform":"p"}]`))
	f.Add([]byte(`[{"line":-1,"column":-9223372036854775808},{},{"path":"\ud800"}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var packed report.Origins
		var list []report.Origin
		err := json.Unmarshal(b, &packed)
		if want := json.Unmarshal(b, &list); (err == nil) != (want == nil) {
			t.Fatal(err, want)
		}
		if err != nil {
			return
		}
		want, _ := json.Marshal(list)
		got, err := json.Marshal(packed)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%s, want %s: %v", got, want, err)
		}
	})
}
