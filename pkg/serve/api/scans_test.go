package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A fakeQueue says what it is told to.
type fakeQueue struct {
	mu    sync.Mutex
	tasks []jobs.Task
	state jobs.State
	there bool
}

func (f *fakeQueue) Want(_ context.Context, tasks ...jobs.Task) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks = append(f.tasks, tasks...)
	return nil
}

func (f *fakeQueue) State(context.Context, string, string) (jobs.State, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, f.there, nil
}

func (f *fakeQueue) is(s jobs.State, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.there = s, there
}

func TestAScanIsATask(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	e := s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"GHCR.io:443/acme/app:1.0.0"}`)
	var scan v1.Scan
	if err := json.Unmarshal(e.body, &scan); err != nil || e.status != http.StatusAccepted || e.header.Get("Location") != scan.Status {
		t.Fatalf("%d %s %v", e.status, e.body, err)
	}
	if scan.Reference != app+":1.0.0" || scan.State != v1.Waiting || scan.Verdict != "/api/v1/verdicts/latest?reference=ghcr.io%2Facme%2Fapp%3A1.0.0" {
		t.Errorf("%+v", scan)
	}
	state, ok, err := s.queue.State(t.Context(), judge.Kind, app+":1.0.0")
	if err != nil || !ok || state.Wanted != scan.Number || state.Done >= state.Wanted {
		t.Errorf("%+v %v %v", state, ok, err)
	}
	var again v1.Scan
	s.get(scan.Status, &again)
	if again != scan {
		t.Errorf("got %+v, want %+v", again, scan)
	}
	if !strings.Contains(s.log.String(), `"by":"ci"`) {
		t.Errorf("who asked is not in the log: %s", s.log)
	}
}

func TestTheCauseOfAScan(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{there: true}
	s := newService(t, tokens, func(o *api.Options) { o.Queue = q })
	s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"`+app+`"}`)
	if len(q.tasks) != 1 || q.tasks[0].Key != app+":latest" || string(q.tasks[0].Payload) != `{"cause":"api ci","asked":"2026-11-26T03:00:00Z"}` {
		t.Errorf("%+v", q.tasks)
	}
}

func TestHowFarAScanIs(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	s := newService(t, tokens, func(o *api.Options) { o.Queue = q })
	const path = "/api/v1/scans?number=5&reference=" + app
	s.refused(s.do(http.MethodGet, path, readToken, ""), 404, "no such scan")
	for _, tt := range []struct {
		name  string
		state jobs.State
		want  v1.State
	}{
		{"wanted", jobs.State{Wanted: 5, Done: 4, Due: now}, v1.Waiting},
		{"done", jobs.State{Wanted: 5, Done: 5}, v1.Done},
		{"done, and wanted again by others", jobs.State{Wanted: 7, Done: 6, Due: now.Add(-time.Second)}, v1.Waiting},
		{"done, and looked at again later", jobs.State{Wanted: 6, Done: 5, Due: now.Add(time.Minute)}, v1.Done},
		{"given up", jobs.State{Wanted: 5, Done: 4, Due: now, Failed: now, Error: "no luck\x1b[0m\nstack"}, v1.Failed},
		{"done, and a later one was given up", jobs.State{Wanted: 6, Done: 5, Due: now.Add(time.Hour), Failed: now, Error: "x"}, v1.Done},
	} {
		q.is(tt.state, true)
		var got v1.Scan
		s.get(path, &got)
		if got.State != tt.want || got.State == v1.Failed && got.Error != `no luck\x1b[0m` || got.State != v1.Failed && got.Error != "" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	q.is(jobs.State{Wanted: 4, Done: 4}, true)
	s.refused(s.do(http.MethodGet, path, readToken, ""), 404, "no such scan")
}

func TestScansThatAreRefused(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{there: true}
	s := newService(t, tokens, func(o *api.Options) { o.Queue = q })
	for _, tt := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"reference":"169.254.169.254/latest/meta-data:1"}`, 422, "no repository that this service watches"},
		{`{"reference":"localhost:5000/x"}`, 422, "no repository that this service watches"},
		{`{"reference":"ghcr.io/acme/app2:1"}`, 422, "no repository that this service watches"},
		{`{"reference":"ghcr.io/acme/app2@` + string(digestOne) + `"}`, 422, "no repository that this service watches"},
		{`{"reference":"169.254.169.254/latest/meta-data@` + string(digestOne) + `"}`, 422, "no repository that this service watches"},
		{`{"reference":"` + app + `@sha256:11"}`, 422, "parse reference"},
		{`{"reference":"` + app + `@md5:11111111111111111111111111111111"}`, 422, "parse reference"},
		{`{"reference":"` + app + `:sha256-` + digestOne.Hex() + `.sig@` + string(digestOne) + `"}`, 422, "place for signatures"},
		{`{"reference":"` + app + `:sha256-` + digestOne.Hex() + `.sig"}`, 422, "place for signatures"},
		{`{"reference":"https://ghcr.io/acme/app"}`, 422, "no scheme"},
		{`{"reference":"` + app + `/../../x"}`, 422, "parse reference"},
		{`{"reference":""}`, 422, "empty"},
		{`{}`, 422, "empty"},
		{`{"reference":"` + app + `","policy":"none"}`, 400, "unknown field"},
		{`{"reference":7}`, 400, "JSON"},
		{`{"reference":"` + app + `"} {}`, 400, "after the object"},
		{`[`, 400, "JSON"},
		{`x`, 400, "JSON"},
		{`null`, 422, "empty"},
		{strings.Repeat("[", 10000), 400, "JSON"},
		{`{"reference":"` + strings.Repeat("x", 20<<10) + `"}`, 413, "longer than"},
	} {
		s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, tt.body), tt.status, tt.says)
	}
	s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, `{}`, "Content-Type", "text/plain"), 415, "application/json")
	s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, `{}`, "Content-Encoding", "gzip"), 415, "compressed")
	s.refused(s.do(http.MethodPost, "/api/v1/scans?x=1", writeToken, `{}`), 400, "no parameter")
	e := s.do(http.MethodDelete, "/api/v1/scans", writeToken, "")
	s.refused(e, 405, "GET, HEAD, POST")
	if len(q.tasks) != 0 {
		t.Errorf("wanted: %+v", q.tasks)
	}
}

func TestAQueueThatForgot(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, func(o *api.Options) { o.Queue = &fakeQueue{} })
	s.refused(s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"`+app+`"}`), 503, "")
}

// A digest is an image, whatever its tag; the tag beside it is judged as well.
func TestAScanOfADigest(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	for text, key := range map[string]string{
		"GHCR.io:443/acme/app@" + string(digestOne): app + "@" + string(digestOne),
		app + ":1@" + string(digestOne):             app + ":1@" + string(digestOne),
	} {
		e := s.do(http.MethodPost, "/api/v1/scans", writeToken, `{"reference":"`+text+`"}`)
		var scan v1.Scan
		if err := json.Unmarshal(e.body, &scan); err != nil || e.status != http.StatusAccepted || scan.Reference != key || scan.State != v1.Waiting {
			t.Fatalf("%s: %d %s %v", text, e.status, e.body, err)
		}
		if _, ok, err := s.queue.State(t.Context(), judge.Kind, key); err != nil || !ok {
			t.Errorf("no task %s: %v", key, err)
		}
		var again v1.Scan
		s.get(scan.Status, &again)
		if again != scan {
			t.Errorf("got %+v, want %+v", again, scan)
		}
	}
	s.refused(s.do(http.MethodGet, "/api/v1/history?reference="+app+"@"+string(digestOne), readToken, ""), 422, "never changes")
}

// The verdict of a scan is one that is not older than it, of just that reference.
func TestTheVerdictOfAScan(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	s := newService(t, tokens, func(o *api.Options) { o.Queue = q })
	q.is(jobs.State{Wanted: 7, Done: 7}, true)
	record := func(key, tag string) int64 {
		t.Helper()
		id, err := s.store.AddVerdict(t.Context(), store.Verdict{Key: key, Repository: app, Tag: tag, Digest: digestOne, Decision: "deny", At: now})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	is := func(reference string, number int, want int64) {
		t.Helper()
		var got v1.Scan
		s.get(fmt.Sprintf("/api/v1/scans?number=%d&reference=%s", number, url.QueryEscape(reference)), &got)
		link := got.Verdict
		if want != 0 && link != fmt.Sprintf("/api/v1/verdicts/%d", want) || want == 0 && !strings.Contains(link, "latest") || got.VerdictID != want {
			t.Errorf("%s %d: %+v, want %d", reference, number, got, want)
		}
	}
	pinned := app + "@" + string(digestOne)
	tag := record("judge "+app+":1 5", "1")
	byDigest := record("judge "+pinned+" 5", "")
	named := record("judge "+app+":1@"+string(digestOne)+" 6", "")
	record("judge "+app+":2 6", "2")
	is(app+":1", 5, tag)
	is(app+":1", 4, tag)
	is(app+":1", 6, 0)
	is(app+":3", 5, 0)
	is(pinned, 5, byDigest)
	is(pinned, 6, 0)
	is(app+":1@"+string(digestOne), 6, named)
	is(app+":2@"+string(digestOne), 5, 0)
}
