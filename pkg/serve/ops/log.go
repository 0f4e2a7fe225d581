package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/intact-dev/intact/pkg/report"
)

// NewLog returns a log of one JSON object in each line. Control characters, and
// those that cannot be seen or change the direction of text, are escaped in it: what
// a registry or a sender says cannot act on the terminal of whoever reads it. Lines
// of a traced request have its trace_id.
func NewLog(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: escaped})})
}

// escaped makes the texts of an attribute safe.
func escaped(_ []string, a slog.Attr) slog.Attr {
	a.Key = report.Escape(a.Key)
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(lines(v.String()))
	case slog.KindAny:
		switch x := v.Any().(type) {
		case *slog.Source, slog.Level:
		case error:
			a.Value = slog.StringValue(lines(x.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(lines(x.String()))
		default:
			b, err := json.Marshal(x)
			if err != nil {
				b = []byte("!ERROR: " + err.Error())
			}
			a.Value = slog.StringValue(report.Escape(string(b)))
		}
	}
	return a
}

// lines escapes all but line feeds, which JSON escapes: stacks stay readable.
func lines(s string) string {
	if !strings.Contains(s, "\n") {
		return report.Escape(s)
	}
	all := strings.Split(s, "\n")
	for i, line := range all {
		all[i] = report.Escape(line)
	}
	return strings.Join(all, "\n")
}

// traced adds the trace of the context.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(as []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(as)} }

func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }
