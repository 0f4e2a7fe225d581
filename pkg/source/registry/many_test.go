package registry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A thousand requests at once are perHost at a time to each registry, and one that
// keeps them all waiting keeps nobody else waiting.
func TestManyRequestsAreBoundedByHostAndHoldUpNoOther(t *testing.T) {
	const many = 1000
	free := make(chan struct{})
	var now, most atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-free
		http.NotFound(w, r)
	}))
	defer slow.Close()
	quick := httptest.NewServer(http.NotFoundHandler())
	defer quick.Close()
	hosts := []string{slow.Listener.Addr().String(), quick.Listener.Addr().String()}
	s, _ := testSource(t, Options{PlainHTTP: hosts})
	ask := func(host string) {
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				if _, err := s.Manifest(t.Context(), ref.Ref{Name: host + fmt.Sprint("/acme/app", i), Tag: "1"}); image.CauseOf(err) != fact.NotFound {
					t.Errorf("%s: %v", host, err)
				}
			})
		}
		all.Wait()
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { ask(hosts[0]) })
	ask(hosts[1]) // ends although the other does not
	close(free)
	waiting.Wait()
	if n := most.Load(); n > perHost || n == 0 {
		t.Errorf("%d requests at a time, at most %d", n, perHost)
	}
}
