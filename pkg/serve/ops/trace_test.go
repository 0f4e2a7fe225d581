package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func noTraces() trace.TracerProvider { return noop.NewTracerProvider() }

func recorded() (*ops.Tracing, *tracetest.SpanRecorder) {
	r := tracetest.NewSpanRecorder()
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r))
	return ops.TracingBy(p, p.Shutdown), r
}

// Tokens in paths, queries and headers are in no span, no log line and no metric;
// handlers see them.
func TestNoTokenIsShown(t *testing.T) {
	t.Parallel()
	tracing, spans := recorded()
	log := &lockedBuffer{}
	m := ops.NewMetrics("x")
	var seen atomic.Value
	inner := ops.NewLog(log, slog.LevelDebug)
	hooks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen.Store(r.URL.String() + " " + string(b) + " " + r.Header.Get("Authorization"))
		inner.InfoContext(r.Context(), "inside")
	})
	server := httptest.NewServer(ops.Routes{Hooks: hooks, Metrics: m, Tracing: tracing, Log: inner}.Handler())
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/hooks/quay/canary-token?x=canary-query", strings.NewReader("canary-body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer canary-header")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := "/hooks/quay/canary-token?x=canary-query canary-body Bearer canary-header"; seen.Load() != want {
		t.Errorf("the handler saw %q", seen.Load())
	}
	server.Close() // the request is over
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "POST hooks" || len(ended[0].Links()) != 1 || ended[0].Parent().IsValid() {
		t.Fatalf("%+v", ended)
	}
	shown := fmt.Sprintf("%v %v", ended[0].Attributes(), ended[0].Events())
	text, _ := read(t, m, "")
	if !strings.Contains(shown, "/hooks/quay/…") || strings.Contains(shown+log.String()+text, "canary") {
		t.Errorf("shown: %s\nlog: %s", shown, log)
	}
	if id := ended[0].SpanContext().TraceID().String(); !strings.Contains(log.String(), `"trace_id":"`+id+`"`) {
		t.Errorf("no trace in the log: %s", log)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	t.Parallel()
	tracing, spans := recorded()
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") })
	h := ops.Routes{API: ok, Alive: ok, Metrics: ops.NewMetrics("x"), Tracing: tracing, Log: slog.New(slog.DiscardHandler)}.Handler()
	for path, want := range map[string]int{
		"/": 404, "/healthz": 200, "/healthz/": 404, "/readyz": 404, "/metrics": 404, "/hooks/x": 404, "/api/v1": 200, "/api/v1/verdicts": 200, "/api/v2": 404, "/api/v1x": 404, "/debug/pprof/": 404,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/healthz", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	if n := len(spans.Ended()); n != 3 {
		t.Errorf("%d spans", n)
	}
}

func TestTasksAreSpans(t *testing.T) {
	t.Parallel()
	for want, err := range map[ops.Outcome]error{ops.Succeeded: nil, ops.Failed: errors.New("no luck"), ops.Again: jobs.Snooze(1)} {
		tracing, spans := recorded()
		m := ops.NewMetrics("x")
		h := ops.Task(tracing, m, func(ctx context.Context, _ *jobs.Run) error {
			// A scan in it is found by the span of the context alone.
			_, scan := trace.SpanFromContext(ctx).TracerProvider().Tracer("x").Start(ctx, "scan")
			scan.End()
			return err
		})
		if got := h(t.Context(), &jobs.Run{Task: jobs.Task{Kind: "judge", Key: "ghcr.io/acme/app:1"}, Attempt: 2}); !errors.Is(got, err) {
			t.Errorf("%s: %v", want, got)
		}
		ended := spans.Ended()
		if len(ended) != 2 || ended[1].Name() != "judge" || ended[0].Parent().SpanID() != ended[1].SpanContext().SpanID() {
			t.Fatalf("%s: %+v", want, ended)
		}
		text, _ := read(t, m, "")
		if !strings.Contains(fmt.Sprint(ended[1].Attributes()), "ghcr.io/acme/app:1") || !strings.Contains(text, `intact_task_seconds_count{kind="judge",outcome="`+string(want)+`"} 1`) || strings.Contains(text, "ghcr.io") {
			t.Errorf("%s: %v", want, ended[1].Attributes())
		}
	}
}

// A task that panics is counted as failed, and the panic goes on.
func TestATaskThatPanics(t *testing.T) {
	t.Parallel()
	tracing, spans := recorded()
	m := ops.NewMetrics("x")
	defer func() {
		text, _ := read(t, m, "")
		if recover() == nil || len(spans.Ended()) != 1 || !strings.Contains(text, `kind="judge",outcome="failed"} 1`) {
			t.Error("it was swallowed, or not counted")
		}
	}()
	_ = ops.Task(tracing, m, func(context.Context, *jobs.Run) error { panic("x") })(t.Context(), &jobs.Run{Task: jobs.Task{Kind: "judge"}})
}

func TestWhenIsTraced(t *testing.T) {
	// No t.Parallel: the exporter reads the environment.
	var got atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			got.Add(1)
		}
	}))
	t.Cleanup(collector.Close)
	for _, tt := range []struct {
		name string
		env  map[string]string
		sent int64
		says string
	}{
		{"nothing is said", nil, 0, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}, 1, ""},
		{"one for traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.URL + "/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, 1, ""},
		{"off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_SDK_DISABLED": "TRUE"}, 0, ""},
		{"none", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_TRACES_EXPORTER": "none"}, 0, ""},
		{"gRPC", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, 0, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"`},
		{"no URL", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, 0, "OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			got.Store(0)
			tracing, err := ops.NewTracing(t.Context(), func(k string) string { return tt.env[k] }, "1", slog.New(slog.DiscardHandler))
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tracing.Requests(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/x", nil))
			if err := tracing.Stop(t.Context()); err != nil || got.Load() != tt.sent {
				t.Errorf("sent %d times, want %d: %v", got.Load(), tt.sent, err)
			}
		})
	}
}

func TestTheLogIsSafe(t *testing.T) {
	t.Parallel()
	b := &lockedBuffer{}
	const bad = "a\x1b[31m\u202eb\u200b"
	ops.NewLog(b, slog.LevelInfo).With("with", bad).WithGroup("g").InfoContext(t.Context(), bad, bad, bad, "error", errors.New(bad+"\nmore"), "list", []string{bad}, "bytes", json.RawMessage(`"`+"\u202e"+`"`), "n", 7)
	line := b.String()
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
		t.Fatalf("%q: %v", line, err)
	}
	for _, forbidden := range []string{"\x1b", "\u202e", "\u200b"} {
		if strings.Contains(line, forbidden) {
			t.Errorf("%q has %q", line, forbidden)
		}
	}
	if g, _ := got["g"].(map[string]any); strings.Contains(fmt.Sprint(got), "\x1b") || got["msg"] != `a\x1b[31m\u202eb\u200b` || g["error"] != `a\x1b[31m\u202eb\u200b`+"\nmore" || g["n"] != 7.0 {
		t.Errorf("%v", got)
	}
}
