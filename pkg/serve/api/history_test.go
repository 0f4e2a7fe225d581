package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
)

func TestHistoryOfATag(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for i, d := range []ref.Digest{digestOne, digestTwo, "", digestOne} {
		s.observe("1.0.0", d, now.Add(time.Duration(i)*time.Minute))
		s.observe("other", d, now)
	}
	var first, second v1.History
	s.get("/api/v1/history?limit=3&reference=ghcr.io/acme/app:1.0.0", &first)
	s.get(fmt.Sprintf("/api/v1/history?limit=3&reference=ghcr.io/acme/app:1.0.0&before=%d", first.Before), &second)
	var got []string
	for _, e := range append(first.Transitions, second.Transitions...) {
		got = append(got, fmt.Sprintf("%d %.8s>%.8s", e.Seq, e.From, e.To))
	}
	if d := cmp.Diff([]string{"6 >sha256:1", "4 sha256:2>", "2 sha256:1>sha256:2", "0 >sha256:1"}, got); d != "" {
		t.Error(d)
	}
	if first.Checkpoint.Size != 8 || first.Checkpoint.Signed || second.Before != 0 || first.Repository != app || first.Tag != "1.0.0" {
		t.Errorf("%+v", first)
	}
	if d := cmp.Diff(map[string]ref.Digest{"linux/amd64": digestOne}, first.Transitions[0].Platforms); d != "" {
		t.Error(d)
	}
	var none v1.History
	s.get("/api/v1/history?reference=ghcr.io/acme/none:1", &none)
	if len(none.Transitions) != 0 || none.Transitions == nil {
		t.Errorf("%+v", none)
	}
	s.get("/api/v1/history?before=0&reference=ghcr.io/acme/app:1.0.0", &none)
	if len(none.Transitions) != 0 {
		t.Errorf("before the first: %+v", none)
	}
	s.refused(s.do(http.MethodGet, "/api/v1/history?reference="+app+"@"+string(digestOne), readToken, ""), 422, "has a digest")
}

func TestCheckpointsAreSigned(t *testing.T) {
	t.Parallel()
	private, public, err := ledger.NewKey(nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, tokens, func(o *api.Options) { o.Key = key })
	s.observe("1", digestOne, now)
	var c v1.Checkpoint
	s.get("/api/v1/checkpoint", &c)
	verifier, err := ledger.ParseKey(public)
	if err != nil {
		t.Fatal(err)
	}
	read, signed, err := ledger.ParseCheckpoint([]byte(c.Note), verifier)
	if err != nil || !signed || !c.Signed || read.N != c.Size || read.N != 1 || read.Hash.String() != c.Root || read.Origin != c.Origin {
		t.Errorf("%+v %+v %v", c, read, err)
	}
}

func TestTagsArePaged(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for _, tag := range []string{"b", "a", "d", "c"} {
		s.observe(tag, digestOne, now)
	}
	s.observe("c", "", now)
	var first, second v1.Tags
	s.get(tagsPath+"&limit=2", &first)
	s.get(tagsPath+"&limit=2&after="+first.After, &second)
	if d := cmp.Diff([]v1.Tag{{Tag: "a", Digest: digestOne}, {Tag: "b", Digest: digestOne}, {Tag: "d", Digest: digestOne}}, append(first.Tags, second.Tags...)); d != "" || second.After != "" {
		t.Errorf("%s\n%+v", d, second)
	}
}

func TestEventsMissNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	add := func(n int, kind string, at time.Time) {
		t.Helper()
		if err := s.store.AddHappenings(t.Context(), store.Happening{Key: fmt.Sprint(n), Type: kind, Subject: app, At: at, Data: []byte(`{"n":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	var got []int64
	after := int64(0)
	for i := range 7 {
		add(i, []string{"image.judged", "tag.deleted"}[i%2], now)
		add(i, "again", now) // the same key: a number is lost
		var page v1.Events
		s.get(fmt.Sprintf("/api/v1/events?limit=1&after=%d", after), &page)
		for _, e := range page.Events {
			got = append(got, e.ID)
		}
		if page.Incomplete {
			t.Errorf("after %d: incomplete", after)
		}
		after = page.After
	}
	if d := cmp.Diff([]int64{1, 3, 5, 7, 9, 11, 13}, got); d != "" {
		t.Error(d)
	}
	var none, deleted v1.Events
	s.get(fmt.Sprintf("/api/v1/events?after=%d", after), &none)
	if len(none.Events) != 0 || none.After != after || none.Incomplete || none.Events == nil {
		t.Errorf("nothing new: %+v", none)
	}
	s.get("/api/v1/events?type=tag.deleted", &deleted)
	if len(deleted.Events) != 3 || string(deleted.Events[0].Data) != `{"n":1}` {
		t.Errorf("by type: %+v", deleted)
	}
	s.get("/api/v1/events?after=4", &none)
	if !none.Incomplete {
		t.Error("the event that was asked with is not there, and that is not said")
	}
}

// A watcher has looked at some places.
type watcher struct{ err error }

func (w watcher) Places(context.Context) ([]v1.Place, error) {
	return []v1.Place{
		{Context: "prod", At: now, Decision: policy.Deny, Report: []byte(`{"schema":"intact.report/v1"}`)},
		{Context: "stage", Error: "it was not looked at yet"},
	}, w.err
}

func TestInventory(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, func(o *api.Options) { o.Inventory = watcher{} })
	var all, one v1.Inventory
	s.get("/api/v1/inventory", &all)
	if len(all.Places) != 2 || all.Places[0].Report != nil || all.Places[1].Decision != policy.Undecided {
		t.Errorf("%+v", all)
	}
	s.get("/api/v1/inventory?context=prod", &one)
	if len(one.Places) != 1 || one.Places[0].Report == nil {
		t.Errorf("%+v", one)
	}
	s.refused(s.do(http.MethodGet, "/api/v1/inventory?context=x", readToken, ""), 404, "no place")
	nothing := newService(t, tokens, nil)
	nothing.get("/api/v1/inventory", &all)
	if all.Places == nil || len(all.Places) != 0 {
		t.Errorf("%+v", all)
	}
	broken := newService(t, tokens, func(o *api.Options) { o.Inventory = watcher{errors.New("lost")} })
	broken.refused(broken.do(http.MethodGet, "/api/v1/inventory", readToken, ""), 503, "")
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for query, says := range map[string]string{
		"/verdicts?limt=1":                           "known are: repository, tag, digest, before, limit",
		"/verdicts?limit=0":                          "from 1 to 1000",
		"/verdicts?limit=1001":                       "from 1 to 1000",
		"/verdicts?limit=01":                         "from 1 to 1000",
		"/verdicts?limit=":                           "from 1 to 1000",
		"/verdicts?before=-1":                        "expected a number",
		"/verdicts?before=9223372036854775807":       "expected a number",
		"/verdicts?tag=a&tag=b":                      "2 times",
		"/verdicts?tag=":                             "expected 1 to 256",
		"/verdicts?tag=" + strings.Repeat("x", 257):  "expected 1 to 256",
		"/verdicts?tag=%00":                          "NUL",
		"/verdicts?tag=%ff":                          "UTF-8",
		"/verdicts?tag=%zz":                          "form name=value",
		"/verdicts?a;b":                              "form name=value",
		"/verdicts?digest=sha256:1":                  "digest",
		"/verdicts?repository=ghcr.io/acme/app:1":    "has a tag",
		"/verdicts?repository=ghcr.io/UPPER":         "lower case",
		"/history":                                   `"reference" is missing`,
		"/history?reference=a%20b":                   "white space",
		"/tags":                                      `"repository" is missing`,
		"/checkpoint?x":                              "known are: none",
		"/events?after=" + strings.Repeat("0", 5000): "longer than",
	} {
		s.refused(s.do(http.MethodGet, "/api/v1"+query, readToken, ""), 400, says)
	}
	for _, path := range []string{"/api/v1/", "/api/v1/none", "/api/v1/verdicts/1/2", "/api/v2/verdicts"} {
		s.refused(s.do(http.MethodGet, path, readToken, ""), 404, "no such resource")
	}
	if e := s.do(http.MethodHead, tagsPath, readToken, ""); e.status != 200 || len(e.body) != 0 {
		t.Errorf("HEAD: %d %s", e.status, e.body)
	}
	for label := range s.counts {
		if route, _, _ := strings.Cut(label, " "); strings.ContainsAny(route, "?%") || route == "/api/v1/none" {
			t.Errorf("something of a request is counted: %q", label)
		}
	}
}
