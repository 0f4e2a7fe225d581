package serve

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/store"
)

func TestTheServiceDropsWhatTheConfigSays(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "intact.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for i, tag := range []string{"a", "a", "b"} {
		v := store.Verdict{Key: string(rune('0' + i)), Repository: "ghcr.io/acme/api", Tag: tag, Decision: "deny", At: now.Add(-48 * time.Hour), Source: "webhook", Report: []byte(`{}`)}
		if _, err := st.AddVerdict(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	left := func(keep config.Keep) (n int, log string) {
		t.Helper()
		var said bytes.Buffer
		s := &Service{
			o:       Options{Store: st, Clock: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&said, nil))},
			current: &Snapshot{Config: &config.Config{Serve: &config.Serve{Keep: keep}}},
		}
		s.prune(t.Context())
		all, err := st.Verdicts(t.Context(), store.VerdictFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all), said.String()
	}
	if n, log := left(config.Keep{}); n != 3 || log != "" {
		t.Errorf("for ever: %d are left, %s", n, log)
	}
	if n, log := left(config.Keep{Verdicts: 72 * time.Hour}); n != 3 || log != "" {
		t.Errorf("for longer: %d are left, %s", n, log)
	}
	if n, log := left(config.Keep{Verdicts: 24 * time.Hour}); n != 2 || !strings.Contains(log, "verdicts=1") {
		t.Errorf("for a day: %d are left, %s", n, log)
	}
}
