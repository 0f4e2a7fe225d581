package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
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
	if len(q.tasks) != 1 || q.tasks[0].Key != app+":latest" || string(q.tasks[0].Payload) != `{"cause":"api ci"}` {
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
		{`{"reference":"` + app + `@` + string(digestOne) + `"}`, 422, "has a digest"},
		{`{"reference":"` + app + `:1@` + string(digestOne) + `"}`, 422, "has a digest"},
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
