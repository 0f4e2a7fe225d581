package ops_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/serve/webhook"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// read returns what /metrics says.
func read(t *testing.T, m *ops.Metrics, accept string) (string, http.Header) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, ops.MetricsPath, nil)
	r.Header.Set("Accept", accept)
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String(), w.Header()
}

// full returns Metrics in which everything was counted once.
func full(t *testing.T) *ops.Metrics {
	t.Helper()
	m := ops.NewMetrics("1.2.3")
	m.Count("harbor", webhook.Accepted)
	m.Answered("/verdicts/{id}", 200)
	m.Judged(policy.Deny, false)
	m.Judged(policy.Deny, true)
	m.Notified("chat", ops.Succeeded)
	m.StoreError("verdict")
	m.Reported("prod", policyreport.Counts{Written: 1})
	m.Unlisted("a.example")
	tracing := ops.TracingBy(noTraces(), nil)
	_ = ops.Task(tracing, m, func(context.Context, *jobs.Run) error { return jobs.Snooze(0) })(t.Context(), &jobs.Run{Task: jobs.Task{Kind: "judge"}})
	ops.Routes{Metrics: m, Tracing: tracing, Log: slog.New(slog.DiscardHandler)}.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x/y", nil))
	m.Watch(ops.Queues{
		Tasks: func(context.Context) ([]jobs.Lag, error) {
			return []jobs.Lag{{Kind: "judge", Waiting: 3, Later: 2, Running: 1, Failed: 4, Oldest: 5 * time.Second}}, nil
		},
		Inbox: func(context.Context) (inbox.Lag, error) {
			return inbox.Lag{Waiting: 7, Refused: 1, Oldest: time.Second}, nil
		},
	})
	dir := t.TempDir()
	issue(t, filepath.Join(dir, "c"), filepath.Join(dir, "k"), 1)
	c, err := ops.NewCertificate(filepath.Join(dir, "c"), filepath.Join(dir, "k"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.WatchCertificate(c)
	m.WatchTrustRoot(func() ops.Trust { return ops.Trust{Needed: true, At: time.Unix(100, 0), Expires: time.Unix(200, 0)} }, func() time.Time { return time.Unix(160, 0) })
	return m
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	text, header := read(t, full(t), "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("no OpenMetrics: %s", header)
	}
	for _, want := range []string{
		`intact_build_info{version="1.2.3"} 1`,
		`intact_webhook_requests_total{endpoint="harbor",reason="accepted"} 1`,
		`intact_api_answers_total{code="200",route="/verdicts/{id}"} 1`,
		`intact_judgements_total{decision="deny"} 1`,
		`intact_judgements_total{decision="awaiting_signature"} 1`,
		`intact_judgements_total{decision="undecided"} 0`,
		`intact_notifications_total{outcome="succeeded",place="chat"} 1`,
		`intact_store_errors_total{operation="verdict"} 1`,
		`intact_catalog_failures_total{registry="a.example"} 1`,
		`intact_task_seconds_count{kind="judge",outcome="again"} 1`,
		`intact_http_request_seconds_count{part="other"} 1`,
		`intact_tasks{kind="judge",state="waiting"} 3`,
		`intact_tasks{kind="judge",state="failed"} 4`,
		`intact_tasks_oldest_seconds{kind="judge"} 5`,
		`intact_inbox_deliveries{state="waiting"} 7`,
		`intact_inbox_oldest_seconds 1`,
		`intact_trust_root_age_seconds 60`,
		"go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) && !strings.Contains(strings.ReplaceAll(text, ".0\n", "\n"), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// What cannot be learned is not 0.
func TestWhatWaitsIsNotKnown(t *testing.T) {
	t.Parallel()
	m := ops.NewMetrics("x")
	log := &lockedBuffer{}
	m.Watch(ops.Queues{
		Tasks: func(context.Context) ([]jobs.Lag, error) { return nil, errors.New("away") },
		Inbox: func(context.Context) (inbox.Lag, error) { return inbox.Lag{}, errors.New("away") },
		Log:   slog.New(slog.NewTextHandler(log, nil)),
	})
	_, _ = read(t, m, "")
	text, _ := read(t, m, "")
	if strings.Contains(text, "intact_tasks") || strings.Contains(text, "intact_inbox") || !strings.Contains(text, `intact_store_errors_total{operation="lag_tasks"}`) ||
		!strings.Contains(text, `intact_store_errors_total{operation="lag_inbox"}`) || !strings.Contains(log.String(), "away") {
		t.Error(text)
	}
}

// docs/metrics.md has all metrics with their types and labels, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	text, _ := read(t, full(t), "")
	types := map[string]string{}
	labels := map[string][]string{}
	for line := range strings.Lines(text) {
		if m := regexp.MustCompile(`^# TYPE (intact_\S+) (\S+)`).FindStringSubmatch(line); m != nil {
			types[m[1]] = m[2]
		}
	}
	for line := range strings.Lines(text) {
		m := regexp.MustCompile(`^(intact_[a-z0-9_]+)(?:\{(.*)\})? `).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count")
		for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" && !slices.Contains(labels[name], l[1]) {
				labels[name] = append(labels[name], l[1])
			}
		}
	}
	want := map[string]string{}
	for name, kind := range types {
		slices.Sort(labels[name])
		want[name] = kind + " " + strings.Join(labels[name], " ")
	}
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(intact_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\|").FindAllStringSubmatch(string(page), -1) {
		names := strings.Fields(strings.ReplaceAll(row[3], "`", ""))
		slices.Sort(names)
		got[row[1]] = row[2] + " " + strings.Join(names, " ")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("docs/metrics.md (-code +docs):\n%s", d)
	}
}
