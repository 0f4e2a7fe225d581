package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/policy"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
)

func TestVerdictsArePaged(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for i := range 5 {
		s.record(store.Verdict{Tag: fmt.Sprint(i), Digest: digestOne, Decision: "allow", Report: []byte(`{"schema":"x"}`)})
	}
	s.record(store.Verdict{Repository: "ghcr.io/acme/other", Tag: "1", Digest: digestTwo, Decision: "deny"})
	var got []string
	query := "limit=2&repository=" + app
	for pages := 1; ; pages++ {
		var page v1.Verdicts
		s.get("/api/v1/verdicts?"+query, &page)
		for _, v := range page.Verdicts {
			got = append(got, v.Tag)
			if v.Report != nil {
				t.Errorf("a list has the report of %d", v.ID)
			}
		}
		if page.Before == 0 {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		query = fmt.Sprintf("limit=2&repository=%s&before=%d", app, page.Before)
	}
	if d := cmp.Diff([]string{"4", "3", "2", "1", "0"}, got); d != "" {
		t.Error(d)
	}
	for query, want := range map[string]int{
		"digest=" + string(digestTwo): 1, "tag=1": 2, "tag=1&repository=" + app: 1, "repository=GHCR.io:443/acme/app": 5, "before=0": 0, "": 6, "repository=ghcr.io/acme/none": 0,
	} {
		var page v1.Verdicts
		s.get("/api/v1/verdicts?"+query, &page)
		if len(page.Verdicts) != want || page.Verdicts == nil {
			t.Errorf("%s: %d verdicts, want %d", query, len(page.Verdicts), want)
		}
	}
}

func TestAVerdictAndWhy(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	id := s.record(store.Verdict{Tag: "1.0.0", Digest: digestOne, Decision: "deny", Summary: []byte(summaryDeny), Report: []byte(`{"schema":"intact.report/v1"}`)})
	path := fmt.Sprintf("/api/v1/verdicts/%d", id)
	var v v1.Verdict
	e := s.get(path, &v)
	if v.Decision != policy.Deny || v.Repository != app || v.Tag != "1.0.0" || v.Digest != digestOne || string(v.Report) != `{"schema":"intact.report/v1"}` || v.Summary.Before != digestTwo || v.AwaitingSignature {
		t.Errorf("%+v", v)
	}
	tag := e.header.Get("ETag")
	if again := s.do(http.MethodGet, path, readToken, "", "If-None-Match", `"x", W/`+tag); again.status != http.StatusNotModified || len(again.body) > 0 {
		t.Errorf("not changed: %d %s", again.status, again.body)
	}
	if other := s.do(http.MethodGet, path, readToken, "", "If-None-Match", `"x"`); other.status != http.StatusOK {
		t.Errorf("another tag: %d", other.status)
	}
	var why v1.Why
	s.get(path+"/why", &why)
	const text = "ghcr.io/acme/app:1.0.0 moved: denied\n  is x\\x1b[31m\n  deny TAG002: moved\njudged 2026-11-26T02:59:00Z by policy sha256:policy because of webhook harbor\n"
	if d := cmp.Diff(text, why.Text); d != "" || why.Verdict != id || why.Summary.Change == nil || len(why.Summary.Change.Changes) != 1 {
		t.Errorf("%+v\n%s", why, d)
	}
	without := s.record(store.Verdict{Tag: "1.0.0", Digest: digestOne, Decision: "allow"})
	s.refused(s.do(http.MethodGet, fmt.Sprintf("/api/v1/verdicts/%d/why", without), readToken, ""), 404, "nothing is kept")
	s.refused(s.do(http.MethodGet, "/api/v1/verdicts/77", readToken, ""), 404, "never recorded")
	for _, id := range []string{"x", "-1", "01", "99999999999999999999", "1.0"} {
		s.refused(s.do(http.MethodGet, "/api/v1/verdicts/"+id, readToken, ""), 400, "expected a number")
	}
}

func TestTheNewestVerdict(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	s.record(store.Verdict{Tag: "1", Digest: digestOne, Decision: "deny", At: now.Add(-2 * time.Hour)})
	s.record(store.Verdict{Tag: "1", Digest: digestOne, Decision: "allow", At: now.Add(-time.Hour)})
	s.record(store.Verdict{Repository: "ghcr.io/acme/other", Tag: "1", Digest: digestOne, Decision: "warn", At: now.Add(-time.Minute)})
	s.observe("1", digestOne, now.Add(-time.Hour))
	for _, tt := range []struct {
		path     string
		decision policy.Decision
		age      int64
		current  bool
	}{
		{"/api/v1/images/" + string(digestOne) + "/verdict", policy.Warn, 60, true},
		{"/api/v1/images/" + string(digestOne) + "/verdict?repository=" + app, policy.Allow, 3600, true},
		{"/api/v1/verdicts/latest?reference=ghcr.io/acme/app:1", policy.Allow, 3600, true},
		{"/api/v1/verdicts/latest?reference=ghcr.io/acme/app:2@" + string(digestOne), policy.Allow, 3600, true},
		{"/api/v1/verdicts/latest?reference=ghcr.io/acme/other:1", policy.Warn, 60, false}, // the ledger never saw the tag
	} {
		var got v1.Latest
		s.get(tt.path, &got)
		if got.Verdict.Decision != tt.decision || got.AgeSeconds != tt.age || got.Current != tt.current {
			t.Errorf("%s: %+v", tt.path, got)
		}
	}
	s.observe("1", digestTwo, now)
	var moved v1.Latest
	s.get("/api/v1/verdicts/latest?reference=ghcr.io/acme/app:1", &moved)
	if moved.Current || moved.Now == nil || moved.Now.Digest != digestTwo || !moved.Now.LastSeen.Equal(now) {
		t.Errorf("the tag moved: %+v", moved)
	}
	for path, want := range map[string]string{
		"/api/v1/images/" + string(digestTwo) + "/verdict": "never judged here",
		"/api/v1/verdicts/latest?reference=ghcr.io/a/b:1":  "never judged here",
	} {
		s.refused(s.do(http.MethodGet, path, readToken, ""), 404, want)
	}
	s.refused(s.do(http.MethodGet, "/api/v1/images/sha256:1/verdict", readToken, ""), 400, "digest")
	signature := "sha256-" + strings.Repeat("1", 64) + ".sig"
	s.refused(s.do(http.MethodGet, "/api/v1/verdicts/latest?reference="+app+":"+signature, readToken, ""), 422, "place for signatures")
}
