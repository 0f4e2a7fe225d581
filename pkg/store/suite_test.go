package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
)

// A place makes places for new stores: files, or databases of a server.
type place func(t *testing.T) string

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "store.db") }

func TestOnSQLite(t *testing.T) {
	t.Parallel()
	suite(t, file)
}

// suite is what holds on both databases.
func suite(t *testing.T, where place) {
	for name, test := range map[string]func(*testing.T, place){
		"moves are recorded":    testMoves,
		"history for checks":    testTagHistory,
		"names are one":         testNames,
		"what is refused":       testRefused,
		"two stores at a time":  testTwoStores,
		"leaves cannot be lost": testAppendOnly,
		"an outdated look":      testOutdated,
		"many at once":          testMany,
		"a closed store":        testClosed,
		"verdicts":              testVerdicts,
		"happenings":            testHappenings,
		"listings":              testListings,
		"old things go":         testPrune,
		"tampering":             testTampering,
		"none and not made":     testNone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, where)
		})
	}
}

func open(t *testing.T, where string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), where, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// seen is an observation of a tag some minutes after noon.
func seen(tag string, d ref.Digest, minutes int) store.Observation {
	return store.Observation{Repository: "ghcr.io/acme/api", Tag: tag, Digest: d, At: noon.Add(time.Duration(minutes) * time.Minute), Source: "test"}
}

func parse(t *testing.T, text string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testMoves(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	for i, step := range []struct {
		digest ref.Digest
		moved  bool
		seq    int64
	}{
		{"", false, -1}, // never there
		{digest("a"), true, 0}, {digest("a"), false, 0}, {digest("b"), true, 1}, {digest("a"), true, 2}, {"", true, 3}, {"", false, 3}, {digest("b"), true, 4},
	} {
		e, moved, err := s.Observe(t.Context(), seen("main", step.digest, i))
		if err != nil || moved != step.moved || e.Seq != step.seq || e.Seq >= 0 && e.To != step.digest {
			t.Errorf("step %d: %+v, %v, %v", i, e, moved, err)
		}
	}
	now, ok, err := s.Now(t.Context(), parse(t, "ghcr.io/acme/api:main"))
	if err != nil || !ok || now.Digest != digest("b") || !now.LastSeen.Equal(noon.Add(7*time.Minute)) || now.Since.Seq != 4 {
		t.Errorf("now %+v, %v, %v", now, ok, err)
	}
	// Somebody with a slow clock confirms it: the last time stays.
	if _, moved, err := s.Observe(t.Context(), seen("main", digest("b"), -60)); moved || err != nil {
		t.Error(moved, err)
	}
	if now, _, _ := s.Now(t.Context(), parse(t, "ghcr.io/acme/api:main")); !now.LastSeen.Equal(noon.Add(7 * time.Minute)) {
		t.Errorf("last seen %s", now.LastSeen)
	}
	h, err := s.History(t.Context(), parse(t, "ghcr.io/acme/api:main"), 4, 2)
	if err != nil || len(h) != 2 || h[0].Seq != 3 || h[1].Seq != 2 {
		t.Errorf("a page of the history: %+v, %v", h, err)
	}
	verified(t, s, 5)
}

// verified checks that s holds, with as many leaves.
func verified(t *testing.T, s *store.Store, leaves int64) ledger.Checkpoint {
	t.Helper()
	v, err := s.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Faults {
		t.Error(f)
	}
	if v.Checkpoint.N != leaves {
		t.Errorf("%d leaves, want %d", v.Checkpoint.N, leaves)
	}
	return v.Checkpoint
}

func testTagHistory(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	r := parse(t, "ghcr.io/acme/api:1.4.2")
	if h := s.TagHistory(t.Context(), r); h.State != fact.Absent {
		t.Errorf("never seen: %+v", h)
	}
	platforms := map[string]ref.Digest{"linux/amd64": digest("c")}
	var seqs []int64
	for i, d := range []ref.Digest{digest("a"), digest("b"), "", digest("b"), digest("a")} {
		e, _, err := s.Observe(t.Context(), seen("1.4.2", d, i))
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, e.Seq)
	}
	// The platforms become known later.
	o := seen("1.4.2", digest("a"), 10)
	o.Platforms = platforms
	if _, _, err := s.Observe(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	want := fact.TagHistory{
		By: "ledger", Tag: "1.4.2", Before: fact.Past{Digest: digest("a"), At: at(4), Platforms: platforms},
		Earlier: []fact.Past{{Digest: digest("b"), At: at(3)}, {Digest: digest("a"), At: at(0)}},
	}
	if diff := cmp.Diff(fact.Of(want), s.TagHistory(t.Context(), r)); diff != "" {
		t.Error(diff)
	}
	gone := fact.TagHistory{By: "ledger", Tag: "1.4.2", Before: fact.Past{Digest: digest("b"), At: at(1)}, Earlier: []fact.Past{{Digest: digest("a"), At: at(0)}}, Gone: at(2)}
	if diff := cmp.Diff(fact.Of(gone), s.TagHistoryBefore(t.Context(), r, seqs[3])); diff != "" {
		t.Error(diff)
	}
	if h := s.TagHistoryBefore(t.Context(), r, seqs[0]); h.State != fact.Absent {
		t.Errorf("before it was seen: %+v", h)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if h := s.TagHistory(ended, r); h.State != fact.Unknown || h.Cause != fact.Cancelled || h.Why == "" {
		t.Errorf("not read: %+v", h)
	}
}

func testNames(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	for i, name := range []string{"nginx", "docker.io/nginx", "index.docker.io/library/nginx", "docker.io/library/nginx"} {
		o := seen("1", digest("a"), 0)
		o.Repository = name
		if _, moved, err := s.Observe(t.Context(), o); err != nil || moved != (i == 0) {
			t.Errorf("%s: %v, %v", name, moved, err)
		}
	}
	for _, tag := range []string{"b", "a", "gone"} {
		if _, _, err := s.Observe(t.Context(), seen(tag, digest("b"), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Observe(t.Context(), seen("gone", "", 1)); err != nil {
		t.Fatal(err)
	}
	repositories, err := s.Repositories(t.Context())
	if diff := cmp.Diff([]string{"docker.io/library/nginx", "ghcr.io/acme/api"}, repositories); diff != "" || err != nil {
		t.Error(diff, err)
	}
	tags, err := s.Tags(t.Context(), "GHCR.io/acme/api")
	if diff := cmp.Diff(map[string]ref.Digest{"a": digest("b"), "b": digest("b")}, tags); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func testRefused(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	signature := seen("sha256-"+strings.Repeat("a", 64)+".sig", digest("a"), 0)
	if _, _, err := s.Observe(t.Context(), signature); !errors.Is(err, ledger.ErrReserved) {
		t.Errorf("a signature's tag: %v", err)
	}
	for name, change := range map[string]func(*store.Observation){
		"no tag": func(o *store.Observation) { o.Tag = "" }, "no source": func(o *store.Observation) { o.Source = "" },
		"no time": func(o *store.Observation) { o.At = time.Time{} }, "bad digest": func(o *store.Observation) { o.Digest = "sha256:x" },
		"no repository": func(o *store.Observation) { o.Repository = "" }, "a tag in the name": func(o *store.Observation) { o.Repository += ":x" },
		"gone without a time": func(o *store.Observation) { o.Digest, o.At = "", time.Time{} },
	} {
		o := seen("x", digest("a"), 0)
		change(&o)
		if _, err := s.ObserveAll(t.Context(), []store.Observation{seen("y", digest("a"), 0), o}); err == nil {
			t.Errorf("%s: observed", name)
		}
	}
	verified(t, s, 0)
}

// Two replicas see everything at the same time, each from several places.
func testTwoStores(t *testing.T, where place) {
	w := where(t)
	stores := []*store.Store{open(t, w, store.Options{Create: true}), open(t, w, store.Options{})}
	const tags, rounds = 8, 12
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range rounds {
				o := seen(fmt.Sprint("t", n%tags), ref.DigestOf([]byte{byte(n / tags)}, ""), n)
				if _, _, err := stores[i%2].Observe(t.Context(), o); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	// Whatever order it came to, there are no double leaves: each is a change.
	v, err := stores[0].Verify(t.Context(), nil)
	if err != nil || !v.OK() || v.Tags != tags || v.Checkpoint.N < tags {
		t.Errorf("%+v, %v", v, err)
	}
	if head, err := stores[1].Head(t.Context()); err != nil || head != v.Checkpoint {
		t.Errorf("%+v, %v", head, err)
	}
}

func testAppendOnly(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	if _, _, err := s.Observe(t.Context(), seen("x", digest("a"), 0)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE leaves SET data = data`, `DELETE FROM leaves`, `UPDATE hashes SET hash = hash`, `DELETE FROM hashes`,
	} {
		if _, err := s.Database().Write.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	verified(t, s, 1)
}

func testOutdated(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	if _, _, err := s.Observe(t.Context(), seen("x", digest("a"), 0)); err != nil {
		t.Fatal(err)
	}
	look, err := s.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// While this one looks, another sees the tag move, and records it.
	if _, _, err := s.Observe(t.Context(), seen("x", digest("b"), 1)); err != nil {
		t.Fatal(err)
	}
	old := seen("x", digest("a"), 2)
	old.Look = look
	if _, moved, err := s.Observe(t.Context(), old); !errors.Is(err, store.ErrOutdated) || moved {
		t.Errorf("moved %v, %v", moved, err)
	}
	same, other := seen("x", digest("b"), 3), seen("y", digest("a"), 3)
	same.Look, other.Look = look, look
	out, err := s.ObserveAll(t.Context(), []store.Observation{same, other, old})
	if err != nil || out[0].Err != nil || out[1].Err != nil || !out[1].Moved || !errors.Is(out[2].Err, store.ErrOutdated) {
		t.Errorf("%+v, %v", out, err)
	}
	verified(t, s, 3)
}

func testMany(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	var os []store.Observation
	for i := range 1700 {
		os = append(os, seen(fmt.Sprint("t", i/2), ref.DigestOf([]byte{byte(i)}, ""), i))
	}
	out, err := s.ObserveAll(t.Context(), os)
	if err != nil || len(out) != len(os) || !out[1699].Moved || out[1699].Seq != 1699 || out[1699].From != os[1698].Digest {
		t.Fatalf("%+v, %v", out[len(out)-1], err)
	}
	verified(t, s, 1700)
}

func testClosed(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Observe(t.Context(), seen("x", digest("a"), 0)); err == nil {
		t.Error("observed in a closed store")
	}
	if h := s.TagHistory(t.Context(), parse(t, "ghcr.io/acme/api:x")); h.State != fact.Unknown {
		t.Errorf("history of a closed store: %+v", h)
	}
}
