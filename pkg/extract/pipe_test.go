//go:build unix

package extract_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/extract"
)

// A pipe that somebody names is refused at once: to open it waits for a writer,
// and nothing ends that.
func TestAPipeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "app.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := extract.Walk(ctx, os.DirFS(dir), []string{"app.yaml"}, extract.Options{})
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "neither a file nor a folder") {
			t.Errorf("got %v", err)
		}
	case <-ctx.Done():
		t.Fatal("it waits")
	}
}
