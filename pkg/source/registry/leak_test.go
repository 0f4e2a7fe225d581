package registry

import (
	"bytes"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// TestNoGoroutineLeft: whatever a registry does, nothing of ours runs on after
// the last call and Close. It must not run beside other tests.
func TestNoGoroutineLeft(t *testing.T) {
	p := push(t, testregistry.Options{})
	s, err := New(Options{
		Keychain: Anonymous{}, PlainHTTP: []string{p.srv.Host}, Retries: -1, window: 40 * time.Millisecond, header: 40 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range testregistry.Modes() {
		p.srv.MustMode(t, "", mode)
		for _, step := range steps {
			// What it ends as is asserted elsewhere.
			_ = step(t.Context(), s, p, p.layer(t))
		}
	}
	// A body that is closed unread, too.
	p.srv.MustMode(t, "", "")
	b, err := s.Blob(t.Context(), p.pinned, ref.Descriptor{Digest: p.layer(t).Digest})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	s.Close()
	p.srv.Close()
	for {
		stacks := running(t)
		if !bytes.Contains(stacks, []byte("registry.(*")) && !bytes.Contains(stacks, []byte("persistConn")) && !bytes.Contains(stacks, []byte("dialConnFor")) {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("goroutines left:\n%s", stacks)
		case <-time.After(5 * time.Millisecond): // connections close in their own time
		}
		if left, ok := t.Deadline(); ok && time.Until(left) < 5*time.Second {
			t.Fatalf("goroutines left:\n%s", stacks)
		}
	}
}

// running returns the stacks of goroutines, in the form of debug=1.
func running(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&out, 1); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
