// Package ops is what whoever operates the service sees of it: metrics, health,
// traces and the log; and the HTTP server that all of it runs in.
package ops

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// Metrics are what is counted. It may be used concurrently. Nothing of a request
// is ever a label: all values are of the config or of the program.
type Metrics struct {
	registry      *prometheus.Registry
	webhooks      *prometheus.CounterVec
	answers       *prometheus.CounterVec
	requests      *prometheus.HistogramVec
	judgements    *prometheus.CounterVec
	tasks         *prometheus.HistogramVec
	notifications *prometheus.CounterVec
	storeErrors   *prometheus.CounterVec
	reports       *prometheus.CounterVec
	unlisted      *prometheus.CounterVec
}

// NewMetrics returns Metrics in a registry of their own, with those of Go and of
// the process. version is the program's.
func NewMetrics(version string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:      prometheus.NewRegistry(),
		webhooks:      counter("intact_webhook_requests_total", "Requests to webhooks, and events in them that were left out, by what became of them.", "endpoint", "reason"),
		answers:       counter("intact_api_answers_total", "Answers of the API.", "route", "code"),
		judgements:    counter("intact_judgements_total", "Images judged because of an event, a question or reconciliation, by decision.", "decision"),
		notifications: counter("intact_notifications_total", "Attempts to tell a place, by outcome.", "place", "outcome"),
		reports:       counter("intact_policy_reports_total", "Policy reports in clusters, by what became of them when what runs was looked at.", "place", "outcome"),
		unlisted:      counter("intact_catalog_failures_total", "Times a registry did not list its repositories when reconciliation asked.", "registry"),
		storeErrors:   counter("intact_store_errors_total", "Operations of the store that failed.", "operation"),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "intact_http_request_seconds", Help: "How long requests took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"part"}),
		tasks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "intact_task_seconds", Help: "How long runs of tasks took.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"kind", "outcome"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "intact_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.webhooks, m.answers, m.requests, m.judgements, m.tasks, m.notifications, m.storeErrors, m.reports, m.unlisted, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// What was never counted is 0, and not missing: alerts need that.
	for _, d := range []policy.Decision{policy.Allow, policy.Warn, policy.Deny, policy.Undecided} {
		m.judgements.WithLabelValues(d.String())
	}
	m.judgements.WithLabelValues(awaiting)
	return m
}

// Count implements [webhook.Counter].
func (m *Metrics) Count(endpoint string, reason webhook.Reason) {
	m.webhooks.WithLabelValues(endpoint, string(reason)).Inc()
}

// Answered counts an answer of the API; route is the pattern of one.
func (m *Metrics) Answered(route string, status int) {
	m.answers.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

// awaiting stands for an image that may lack its signature for now.
const awaiting = "awaiting_signature"

// Judged counts one judgement; waits is that it is no verdict yet.
func (m *Metrics) Judged(d policy.Decision, waits bool) {
	label := d.String()
	if waits {
		label = awaiting
	}
	m.judgements.WithLabelValues(label).Inc()
}

// An Outcome is what became of something.
type Outcome string

// Outcomes.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"  // and is tried again, if that was not the last attempt
	Dropped   Outcome = "dropped" // given up
	Folded    Outcome = "folded"  // told together with others
	Again     Outcome = "again"   // ended without effect, and is run once more
)

// Notified counts an attempt to tell place, which is a name of the config.
func (m *Metrics) Notified(place string, o Outcome) {
	m.notifications.WithLabelValues(place, string(o)).Inc()
}

// Reported counts the policy reports of place, which is a name of the config, that
// were looked at in one pass.
func (m *Metrics) Reported(place string, c policyreport.Counts) {
	for outcome, n := range map[string]int{"written": c.Written, "unchanged": c.Unchanged, "removed": c.Removed, "failed": c.Failed} {
		m.reports.WithLabelValues(place, outcome).Add(float64(n))
	}
}

// Unlisted counts that a registry, which is a name of the config, did not list its
// repositories.
func (m *Metrics) Unlisted(registry string) { m.unlisted.WithLabelValues(registry).Inc() }

// StoreError counts an operation of the store that failed; operation is a word of
// the program.
func (m *Metrics) StoreError(operation string) { m.storeErrors.WithLabelValues(operation).Inc() }

// took observes one request.
func (m *Metrics) took(part string, d time.Duration) {
	m.requests.WithLabelValues(part).Observe(d.Seconds())
}

// Handler writes all metrics, as OpenMetrics if that is asked for.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	})
}

// task begins to observe a run.
func (m *Metrics) task(kind string) func(Outcome) {
	began := time.Now()
	return func(o Outcome) { m.tasks.WithLabelValues(kind, string(o)).Observe(time.Since(began).Seconds()) }
}
