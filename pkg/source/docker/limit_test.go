package docker

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

func TestLimitOf(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]int64{0: 1 << 30, 5 << 30: 11 << 30, 40 << 30: limits.ImageExpanded, -1: limits.ImageExpanded, 1<<63 - 1: limits.ImageExpanded} {
		if got := limitOf(size); got != want {
			t.Errorf("an image of %d bytes may take %d, want %d", size, got, want)
		}
	}
}

// An engine that sends more than an image of its size can have is not listened
// to any longer.
func TestEndlessImage(t *testing.T) {
	t.Parallel()
	engine := dockertest.Docker()
	engine.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if path != "/images/get" {
			return false
		}
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return true
			}
		}
	}
	ep, err := dockerengine.Find(dockerengine.Options{Host: engine.Serve(t)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := dockerengine.Connect(t.Context(), ep, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	err = copyImage(t.Context(), e, "x", io.Discard, 1<<20)
	var exceeded *limits.ExceededError
	if !errors.As(err, &exceeded) || exceeded.Limit != 1<<20 || exceeded.What != "size of the saved image" {
		t.Errorf("error %v, want one with the limit %d", err, 1<<20)
	}
}
