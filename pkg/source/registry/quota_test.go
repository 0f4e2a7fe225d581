package registry

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	x := newSite(t, map[string]http.HandlerFunc{"registry-1.docker.io": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ratelimit-limit", "100;w=21600")
		w.Header().Set("ratelimit-remaining", "76;w=21600")
		_, _ = io.WriteString(w, "{}")
	}})
	s := x.source(t, Options{})
	x.trust(t, s, "docker.io")
	r := ref.Ref{Name: "nginx", Tag: "1"}
	if got := s.Quota(r); got != (Quota{}) {
		t.Errorf("before it was asked: %+v", got)
	}
	if _, err := s.Manifest(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Quota(r), (Quota{Limit: 100, Remaining: 76, Window: 6 * time.Hour}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestHasBlobElsewhere: a store whose signed addresses are good for GET alone
// answers HEAD with 403, which says nothing about the blob.
func TestHasBlobElsewhere(t *testing.T) {
	t.Parallel()
	store := http.StatusOK
	x := newSite(t, map[string]http.HandlerFunc{
		"r.example.com": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://store.example.net/x", http.StatusTemporaryRedirect)
		},
		"store.example.net": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.WriteHeader(store)
		},
	})
	s := x.source(t, Options{})
	x.trust(t, s, "r.example.com")
	d := ref.Descriptor{Digest: ref.DigestOf([]byte("x"), "")}
	for store = range map[int]bool{http.StatusOK: true, http.StatusNotFound: false, http.StatusForbidden: false} {
		has, err := s.HasBlob(t.Context(), ref.Ref{Name: "r.example.com/a"}, d)
		if has != (store == http.StatusOK) || (err != nil) != (store == http.StatusForbidden) {
			t.Errorf("%d: %v, %v", store, has, err)
		}
	}
}
