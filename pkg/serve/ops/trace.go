package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/intact-dev/intact/pkg/serve/webhook"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// scope is the name under which spans are made.
const scope = "github.com/intact-dev/intact"

// Tracing makes spans of requests and tasks. It may be used concurrently.
type Tracing struct {
	provider trace.TracerProvider
	stop     func(context.Context) error
	off      bool // nobody takes spans
}

// NewTracing returns Tracing that sends spans by OTLP over HTTP if the environment
// says where, in the standard variables OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which with their companions are read by the
// exporter; else nothing is traced. getenv is os.Getenv. Spans that cannot be sent
// are dropped: the service does not wait for them.
//
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func NewTracing(ctx context.Context, getenv func(string) string, version string, log *slog.Logger) (*Tracing, error) {
	on, err := wantsTraces(getenv)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	if !on {
		t := TracingBy(noop.NewTracerProvider(), nil)
		t.off = true
		return t, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "intact"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err), exporter.Shutdown(ctx))
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	log.InfoContext(ctx, "spans are sent by OTLP over HTTP")
	return TracingBy(p, p.Shutdown), nil
}

// TracingBy returns Tracing that makes spans with p. stop may be nil.
func TracingBy(p trace.TracerProvider, stop func(context.Context) error) *Tracing {
	if stop == nil {
		stop = func(context.Context) error { return nil }
	}
	return &Tracing{provider: p, stop: stop}
}

func wantsTraces(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		// The exporter would only log it, and send to localhost.
		if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return false, fmt.Errorf("%s: expected a URL such as http://collector:4318", name)
		}
		protocol, from := getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
		if protocol == "" {
			protocol, from = getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL"
		}
		if protocol != "" && protocol != "http/protobuf" {
			return false, fmt.Errorf("%s is %q; expected http/protobuf, which is all that is spoken", from, protocol)
		}
		return true, nil
	}
	return false, nil
}

// Stop sends what is left, until ctx is done.
func (t *Tracing) Stop(ctx context.Context) error { return t.stop(ctx) }

// Requests wraps a handler in a span for each request. A token in its path and its
// query are not in the span. A trace that the caller says it is in is linked and not
// joined: anybody may call.
func (t *Tracing) Requests(next http.Handler) http.Handler {
	if t.off {
		return next
	}
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if original, ok := r.Context().Value(requestKey{}).(*http.Request); ok {
			// The body stays the one that the span counts.
			original = original.WithContext(r.Context())
			original.Body = r.Body
			r = original
		}
		next.ServeHTTP(w, r)
	})
	spans := otelhttp.NewHandler(inner, "", otelhttp.WithTracerProvider(t.provider), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return method(r.Method) + " " + partOf(r.URL.Path) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.WithContext(context.WithValue(r.Context(), requestKey{}, r))
		shown.URL = &url.URL{Path: webhook.Redact(r.URL.Path)}
		spans.ServeHTTP(w, shown)
	})
}

type requestKey struct{}

// method is one that is known.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return m
	}
	return "OTHER"
}

// Task wraps a handler of tasks in a span for each attempt, and observes it.
func Task(t *Tracing, m *Metrics, h jobs.Handler) jobs.Handler {
	return func(ctx context.Context, r *jobs.Run) (err error) {
		ctx, span := t.provider.Tracer(scope).Start(ctx, r.Kind, trace.WithAttributes(
			attribute.String("intact.task.key", r.Key), attribute.Int("intact.task.attempt", r.Attempt), attribute.Int64("intact.task.generation", r.Generation)))
		done := m.task(r.Kind)
		outcome := Failed // of a panic, too
		defer func() {
			done(outcome)
			span.SetAttributes(attribute.String("intact.task.outcome", string(outcome)))
			span.End()
		}()
		err = h(ctx, r)
		switch {
		case err == nil:
			outcome = Succeeded
		case jobs.Snoozed(err):
			outcome = Again
		default:
			span.SetStatus(codes.Error, "")
			span.RecordError(err)
		}
		return err
	}
}
