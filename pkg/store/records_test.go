package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/store"
)

func verdict(n int) store.Verdict {
	return store.Verdict{
		Key: fmt.Sprint("judge-", n), Repository: "ghcr.io/acme/api", Tag: fmt.Sprint("t", n%2), Digest: digest("a"), Decision: "deny",
		Policy: string(digest("c")), At: noon.Add(time.Duration(n) * time.Hour), Source: "webhook", Summary: json.RawMessage(`{"deny":1}`), Report: []byte(`{"schema":"intact.report/v1"}`),
	}
}

func testVerdicts(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	var ids []int64
	for n := range 5 {
		id, err := s.AddVerdict(t.Context(), verdict(n), store.Happening{Type: "verdict", Subject: "x", At: noon})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	// The task ran again: one verdict, and one happening.
	if id, err := s.AddVerdict(t.Context(), verdict(3), store.Happening{Type: "verdict", Subject: "x", At: noon}); err != nil || id != ids[3] {
		t.Errorf("again: %d, %v", id, err)
	}
	if hs, err := s.Happenings(t.Context(), store.HappeningFilter{}); err != nil || len(hs) != 5 {
		t.Errorf("happenings: %v, %v", hs, err)
	}
	v, err := s.Verdict(t.Context(), ids[3])
	want := verdict(3)
	want.ID = ids[3]
	if diff := cmp.Diff(want, v); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := s.Verdict(t.Context(), 99); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such verdict: %v", err)
	}
	for name, test := range map[string]struct {
		filter store.VerdictFilter
		want   []int64
	}{
		"all":        {store.VerdictFilter{}, []int64{ids[4], ids[3], ids[2], ids[1], ids[0]}},
		"first page": {store.VerdictFilter{Limit: 2}, []int64{ids[4], ids[3]}},
		"next page":  {store.VerdictFilter{Limit: 2, Before: ids[3]}, []int64{ids[2], ids[1]}},
		"of a tag":   {store.VerdictFilter{Repository: "ghcr.io/acme/api", Tag: "t1"}, []int64{ids[3], ids[1]}},
		"digest":     {store.VerdictFilter{Digest: digest("b")}, nil},
	} {
		vs, err := s.Verdicts(t.Context(), test.filter)
		var got []int64
		for _, v := range vs {
			got = append(got, v.ID)
			if v.Report != nil {
				t.Errorf("%s: with a report", name)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Error(name, diff, err)
		}
	}
	bare := store.Verdict{Digest: digest("b"), Decision: "allow", At: noon}
	for range 2 { // without a key, two are two
		if _, err := s.AddVerdict(t.Context(), bare); err != nil {
			t.Fatal(err)
		}
	}
	if vs, err := s.Verdicts(t.Context(), store.VerdictFilter{Digest: digest("b")}); err != nil || len(vs) != 2 || vs[0].Summary != nil {
		t.Errorf("%+v, %v", vs, err)
	}
}

// Who asks for what is new since the last that it got misses none, however many
// record at the same time.
func testHappenings(t *testing.T, where place) {
	w := where(t)
	stores := []*store.Store{open(t, w, store.Options{Create: true}), open(t, w, store.Options{})}
	var group sync.WaitGroup
	const writers, each = 4, 10
	for i := range writers {
		group.Go(func() {
			for n := range each {
				h := store.Happening{Key: fmt.Sprint(i/2, "-", n), Type: "tag.moved", Subject: fmt.Sprint(n), At: noon, Data: json.RawMessage(`{}`)}
				if err := stores[i%2].AddHappenings(t.Context(), h); err != nil {
					t.Error(err)
				}
			}
		})
	}
	got := map[string]bool{}
	var after int64
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for ended := false; ; {
		hs, err := stores[0].Happenings(t.Context(), store.HappeningFilter{After: after, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hs {
			if got[h.Key] || h.ID <= after {
				t.Errorf("%+v after %d", h, after)
			}
			got[h.Key], after = true, h.ID
		}
		if len(hs) == 0 && ended {
			break
		}
		select {
		case <-done:
			ended = true
		default:
		}
	}
	if len(got) != writers/2*each {
		t.Errorf("got %d of %d", len(got), writers/2*each)
	}
	hs, err := stores[1].Happenings(t.Context(), store.HappeningFilter{Type: "tag.moved", Subject: "3"})
	if err != nil || len(hs) != 2 {
		t.Fatalf("%+v, %v", hs, err)
	}
	if h, err := stores[1].Happening(t.Context(), hs[1].ID); err != nil || cmp.Diff(hs[1], h) != "" {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := stores[1].Happening(t.Context(), 9999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such happening: %v", err)
	}
}

func testListings(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	k := store.ListingKey{Repository: "ghcr.io/acme/api", Digest: digest("a"), Credential: "robot"}
	there := func(k store.ListingKey, at time.Time) string {
		t.Helper()
		data, ok, err := s.Listing(t.Context(), k, at)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return "none"
		}
		return string(data)
	}
	put := func(data string, found bool, asked time.Time) {
		t.Helper()
		if _, err := s.PutListing(t.Context(), k, []byte(data), found, asked); err != nil {
			t.Fatal(err)
		}
	}
	put("[]", false, noon)
	if a, b := there(k, noon.Add(29*time.Second)), there(k, noon.Add(30*time.Second)); a != "[]" || b != "none" {
		t.Errorf("nothing found: %s, %s", a, b)
	}
	put("[sig]", true, noon)
	if a, b := there(k, noon.Add(299*time.Second)), there(k, noon.Add(300*time.Second)); a != "[sig]" || b != "none" {
		t.Errorf("found: %s, %s", a, b)
	}
	if got := there(k, noon.Add(-time.Second)); got != "none" {
		t.Errorf("after the clock was put back: %s", got)
	}
	if got := there(store.ListingKey{Repository: k.Repository, Digest: k.Digest}, noon); got != "none" {
		t.Errorf("shown to another credential: %s", got)
	}
	if err := s.DropListings(t.Context(), k.Repository, k.Digest, noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := there(k, noon); got != "none" {
		t.Errorf("after it was dropped: %s", got)
	}
	put("[old]", true, noon.Add(59*time.Second)) // asked before the push, answered after
	if got := there(k, noon.Add(time.Minute)); got != "none" {
		t.Errorf("what was asked before came back: %s", got)
	}
	put("", true, noon.Add(61*time.Second))
	if got := there(k, noon.Add(62*time.Second)); got != "" {
		t.Errorf("asked after: %s", got)
	}
}

func testPrune(t *testing.T, where place) {
	s := open(t, where(t), store.Options{Create: true})
	if _, _, err := s.Observe(t.Context(), seen("x", digest("a"), 0)); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		if _, err := s.AddVerdict(t.Context(), verdict(n), store.Happening{Type: "v", Subject: "x", At: noon.Add(time.Duration(n) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	k := store.ListingKey{Repository: "r", Digest: digest("a")}
	if _, err := s.PutListing(t.Context(), k, []byte("x"), true, noon); err != nil {
		t.Fatal(err)
	}
	now := noon.Add(4 * time.Hour)
	if p, err := s.Prune(t.Context(), store.Retention{}, now); err != nil || p != (store.Pruned{Listings: 1}) {
		t.Errorf("for ever: %+v, %v", p, err)
	}
	p, err := s.Prune(t.Context(), store.Retention{Reports: 2 * time.Hour, Verdicts: 3 * time.Hour, Happenings: time.Hour}, now)
	if err != nil || p != (store.Pruned{Reports: 1, Verdicts: 1, Happenings: 3}) {
		t.Errorf("%+v, %v", p, err)
	}
	vs, err := s.Verdicts(t.Context(), store.VerdictFilter{})
	if err != nil || len(vs) != 3 {
		t.Fatalf("%+v, %v", vs, err)
	}
	if v, err := s.Verdict(t.Context(), vs[2].ID); err != nil || v.Report != nil || v.Decision != "deny" {
		t.Errorf("%+v, %v", v, err)
	}
	// The last of each tag is what the next one is news beside.
	hour := store.Retention{Reports: time.Hour, Verdicts: time.Hour, Happenings: time.Hour}
	if p, err := s.Prune(t.Context(), hour, now.Add(1000*time.Hour)); err != nil || p != (store.Pruned{Verdicts: 1, Happenings: 1}) {
		t.Errorf("%+v, %v", p, err)
	}
	for _, v := range vs[:2] {
		if v, err := s.Verdict(t.Context(), v.ID); err != nil || v.Report == nil {
			t.Errorf("the last of %s: %+v, %v", v.Tag, v, err)
		}
	}
	// A number is not given twice.
	id, err := s.AddVerdict(t.Context(), verdict(9))
	if err != nil || id != vs[0].ID+1 {
		t.Errorf("%d after %d, %v", id, vs[0].ID, err)
	}
	verified(t, s, 1)
}
