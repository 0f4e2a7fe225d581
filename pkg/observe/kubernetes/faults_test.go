package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// shop is a server with n pods in one namespace.
func shop(t *testing.T, n int) *fake {
	t.Helper()
	f := newFake(t)
	for i := range n {
		f.objects[pods] = append(f.objects[pods], appPod(fmt.Sprintf("web-%04d", i), nil))
	}
	f.add(pods)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	for _, p := range f.objects[pods] {
		p.SetUID(uid(p.GetName()))
	}
	return f
}

// isPage reports a request for the pages of pods.
func isPage(c call) bool { return c.resource == "pods" && c.query.Get("limit") == "10" }

// What a server may do to a list of 35 pods in pages of 10, and what is said of
// it. Nothing that was listed is lost, and nothing comes twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	type env struct {
		f *fake
		n *atomic.Int32 // requests that the fault was for
		w http.ResponseWriter
		r *http.Request
		c call
	}
	abort := func() { panic(http.ErrAbortHandler) }
	body := func(e *env, cut float64, change func(*metav1.ListMeta)) {
		from, _ := strconv.Atoi(e.c.token)
		m := metav1.ListMeta{ResourceVersion: "77", Continue: strconv.Itoa(from + 10)}
		change(&m)
		b := e.f.encode(e.r, pods, m, e.f.objects[pods][from:min(from+10, len(e.f.objects[pods]))])
		_, _ = e.w.Write(b[:int(cut*float64(len(b)))])
	}
	tests := []struct {
		name string
		pods int // 0 = 35
		// fault answers a request for a page of pods, if it returns true.
		fault func(*env) bool
		seen  int // -1 = all
		gap   string
		why   string
		err   fact.Cause
		waits []time.Duration
		// anyWait: net/http may have asked again before we do.
		anyWait bool
	}{
		{name: "token_expires_and_there_is_another", seen: -1, fault: func(e *env) bool {
			if e.c.token != "20" || e.n.Add(1) > 1 {
				return false
			}
			status(e.w, http.StatusGone, metav1.StatusReasonExpired, "too old", func(s *metav1.Status) { s.Continue = "20" })
			return true
		}},
		{name: "token_expires_and_all_begins_again", seen: -1, fault: func(e *env) bool {
			if e.c.token != "20" || e.n.Add(1) > 1 {
				return false
			}
			status(e.w, http.StatusGone, metav1.StatusReasonExpired, "too old", nil)
			return true
		}},
		{name: "token_expires_and_a_token_that_comes_too_late", seen: -1, fault: func(e *env) bool {
			if e.c.token != "20" || e.n.Add(1) > 1 {
				return false
			}
			status(e.w, http.StatusGone, metav1.StatusReasonExpired, "too old", func(s *metav1.Status) { s.Continue = "10" })
			return true
		}},
		{name: "token_expires_always", seen: 20, gap: "pods: cut-short", why: "too old", fault: func(e *env) bool {
			if e.c.token != "20" {
				return false
			}
			status(e.w, http.StatusGone, metav1.StatusReasonExpired, "too old", nil)
			return true
		}},
		{name: "throttled", seen: -1, waits: []time.Duration{3 * time.Second, 3 * time.Second}, fault: func(e *env) bool {
			if e.c.token != "10" || e.n.Add(1) > 2 {
				return false
			}
			e.w.Header().Set("Retry-After", "3")
			status(e.w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "later", nil)
			return true
		}},
		{name: "throttled_by_a_date", seen: -1, waits: []time.Duration{7 * time.Second}, fault: func(e *env) bool {
			if e.c.token != "10" || e.n.Add(1) > 1 {
				return false
			}
			e.w.Header().Set("Retry-After", noon.Add(7*time.Second).Format(http.TimeFormat))
			status(e.w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "later", nil)
			return true
		}},
		{name: "throttled_for_too_long", seen: 10, gap: "pods: rate-limited", why: "more than the limit of 30s", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			e.w.Header().Set("Retry-After", "3600")
			status(e.w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "later", nil)
			return true
		}},
		{name: "fails_once", seen: -1, waits: []time.Duration{500 * time.Millisecond}, fault: func(e *env) bool {
			if e.c.token != "10" || e.n.Add(1) > 1 {
				return false
			}
			status(e.w, http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed", nil)
			return true
		}},
		{name: "fails_always", seen: 10, gap: "pods: server-error", why: "etcdserver: leader changed", waits: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}, fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			status(e.w, http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed", nil)
			return true
		}},
		{name: "a_page_of_a_proxy", seen: 10, gap: "pods: server-error", why: "502 Bad Gateway with a page for people", waits: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}, fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			e.w.WriteHeader(http.StatusBadGateway)
			_, _ = e.w.Write([]byte("<html><h1>502"))
			return true
		}},
		{name: "a_page_that_is_fine", seen: 10, gap: "pods: server-error", why: "a page for people", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			_, _ = e.w.Write([]byte("<html>log in"))
			return true
		}},
		{name: "is_lost", seen: 20, err: fact.Network, waits: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}, fault: func(e *env) bool {
			if e.c.token == "20" {
				abort()
			}
			return false
		}},
		{name: "is_lost_and_comes_back", seen: -1, anyWait: true, fault: func(e *env) bool {
			if e.c.token == "20" && e.n.Add(1) == 1 {
				abort()
			}
			return false
		}},
		{name: "forbids_half_way", seen: 10, gap: "pods: forbidden", why: "no more", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			status(e.w, http.StatusForbidden, metav1.StatusReasonForbidden, "no more", nil)
			return true
		}},
		{name: "cut_once", seen: -1, fault: func(e *env) bool {
			if e.c.token != "10" || e.n.Add(1) > 1 {
				return false
			}
			body(e, 0.55, func(*metav1.ListMeta) {})
			return true
		}},
		{name: "cut_always", seen: 15, gap: "pods: cut-short", why: "ends early", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			body(e, 0.55, func(*metav1.ListMeta) {})
			return true
		}},
		{name: "nothing_at_all", seen: 10, gap: "pods: cut-short", why: "ends early", fault: func(e *env) bool { return e.c.token == "10" }},
		{name: "drops_the_token", seen: 20, gap: "pods: cut-short", why: "15 more objects", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			left := int64(15)
			body(e, 1, func(m *metav1.ListMeta) { m.Continue, m.RemainingItemCount = "", &left })
			return true
		}},
		{name: "drops_the_token_and_the_count", seen: 20, gap: "pods: cut-short", why: "more objects after a page of 10", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			body(e, 1, func(m *metav1.ListMeta) { m.Continue = "" })
			return true
		}},
		{name: "drops_the_first_token", seen: 10, gap: "pods: cut-short", why: "more objects after a page of 10", fault: func(e *env) bool {
			if e.c.token != "" {
				return false
			}
			body(e, 1, func(m *metav1.ListMeta) { m.Continue = "" })
			return true
		}},
		{name: "ends_with_a_full_page", pods: 30, seen: -1, fault: func(*env) bool { return false }},
		{name: "gives_the_same_token_again", seen: 20, gap: "pods: server-error", why: "the same page", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			body(e, 1, func(m *metav1.ListMeta) { m.Continue = "10" })
			return true
		}},
		{name: "gives_a_page_twice", seen: -1, fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			body(e, 1, func(m *metav1.ListMeta) { m.Continue = "5" }) // and then 15, 25, 35
			return true
		}},
		{name: "another_kind", seen: 10, gap: "pods: server-error", why: `"SecretList"`, fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			_, _ = e.w.Write(e.f.encode(e.r, secrets, metav1.ListMeta{}, nil))
			return true
		}},
		{name: "an_object_that_is_none", seen: 34, gap: "pods: server-error", why: "1 of 35 objects", fault: func(e *env) bool {
			if e.c.token != "30" {
				return false
			}
			_, _ = e.w.Write(e.f.encode(e.r, pods, metav1.ListMeta{}, append([]object{&garbage{}}, e.f.objects[pods][31:]...)))
			return true
		}},
		{name: "leads_elsewhere", seen: 10, gap: "pods: server-error", why: "redirects are not followed", fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			http.Redirect(e.w, e.r, "http://elsewhere.example/", http.StatusFound)
			return true
		}},
		{name: "credentials_are_renewed", seen: -1, waits: []time.Duration{500 * time.Millisecond}, fault: func(e *env) bool {
			if e.c.token != "10" || e.n.Add(1) > 1 {
				return false
			}
			status(e.w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized", nil)
			return true
		}},
		{name: "credentials_run_out", seen: 10, gap: "pods: unauthenticated", why: "401", waits: []time.Duration{500 * time.Millisecond}, fault: func(e *env) bool {
			if e.c.token != "10" {
				return false
			}
			status(e.w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized", nil)
			return true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := tt.pods
			if n == 0 {
				n = 35
			}
			f := shop(t, n)
			var count atomic.Int32
			f.intercept = func(w http.ResponseWriter, r *http.Request, c call) bool {
				return isPage(c) && tt.fault(&env{f: f, n: &count, w: w, r: r, c: c})
			}
			var mu sync.Mutex
			var waits []time.Duration
			all, inv, err := seeAll(t, f, Options{PageSize: 10, sleep: func(_ context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				waits = append(waits, d)
				return nil
			}})
			if image.CauseOf(err) != tt.err && (err != nil || tt.err != "") {
				t.Errorf("error %v with cause %q, want %q", err, image.CauseOf(err), tt.err)
			}
			want := tt.seen
			if want < 0 {
				want = n
			}
			if len(all) != want {
				t.Errorf("%d containers, want %d", len(all), want)
			}
			var gap []string
			if tt.gap != "" {
				gap = []string{tt.gap}
			}
			wantGaps(t, inv, gap...)
			if len(inv.Gaps) > 0 && !strings.Contains(inv.Gaps[0].Why, tt.why) {
				t.Errorf("why %q, want %q in it", inv.Gaps[0].Why, tt.why)
			}
			if diff := cmp.Diff(tt.waits, waits); diff != "" && !tt.anyWait {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

// garbage is an object that cannot be decoded.
type garbage struct{ metav1.ObjectMeta }

func (garbage) Marshal() ([]byte, error) { return []byte{0x0a, 0xff, 0x01}, nil }
