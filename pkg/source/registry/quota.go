package registry

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Quota is how many pulls a registry says are left. The zero value means that
// it said nothing.
type Quota struct {
	Limit, Remaining int
	Window           time.Duration
}

// Quota returns what the registry of r said last.
//
// https://docs.docker.com/docker-hub/usage/pulls/#view-hourly-pull-rate-and-limit
func (s *Source) Quota(r ref.Ref) Quota {
	s.mu.Lock()
	e := s.endpoints[canonicalHost(r.Registry())]
	s.mu.Unlock()
	if e == nil {
		return Quota{}
	}
	e.quotaMu.Lock()
	defer e.quotaMu.Unlock()
	return e.quota
}

func (e *endpoint) noteQuota(resp *http.Response) {
	limit, window := quotaValue(resp.Header.Get("Ratelimit-Limit"))
	left, _ := quotaValue(resp.Header.Get("Ratelimit-Remaining"))
	if limit <= 0 || left < 0 {
		return
	}
	e.quotaMu.Lock()
	defer e.quotaMu.Unlock()
	e.quota = Quota{Limit: limit, Remaining: left, Window: window}
}

// quotaValue parses "100;w=21600"; -1 if it is not of that form.
func quotaValue(s string) (int, time.Duration) {
	count, params, _ := strings.Cut(s, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(count), 10, 31)
	if err != nil {
		return -1, 0
	}
	seconds, _ := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(params), "w="), 10, 31)
	return int(n), time.Duration(seconds) * time.Second
}
