package scan_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// A mutation spoils one answer. It reports false if the answer stays as it was.
type mutation struct {
	name string
	do   func(a *answer, r *rand.Rand) bool
}

type answer struct {
	request string // method and path
	status  int
	header  http.Header
	body    []byte
	length  int  // announced
	drop    bool // the connection ends without an answer
}

func (a *answer) head() bool { return strings.HasPrefix(a.request, "HEAD ") }

func (a *answer) refuse(status int) bool {
	*a = answer{request: a.request, status: status, header: http.Header{}}
	return true
}

// claim changes a header that is there; "" removes it.
func (a *answer) claim(key, value string) bool {
	if a.status != http.StatusOK || a.header.Get(key) == "" {
		return false
	}
	a.header = a.header.Clone()
	a.header.Del(key)
	if value != "" {
		a.header.Set(key, value)
	}
	return true
}

// The mutations of headers.
const (
	lyingDigest = "lying digest"
	noDigest    = "no digest"
	lyingType   = "lying type"
)

func mutations() []mutation {
	return []mutation{
		{"flip", func(a *answer, r *rand.Rand) bool {
			if a.head() || len(a.body) == 0 {
				return false
			}
			a.body[r.IntN(len(a.body))] ^= byte(1 << r.IntN(8))
			return true
		}},
		{"cut", func(a *answer, r *rand.Rand) bool {
			if a.head() || len(a.body) == 0 {
				return false
			}
			a.body = a.body[:r.IntN(len(a.body))]
			return true
		}},
		{"shorter", func(a *answer, r *rand.Rand) bool {
			if a.head() || len(a.body) == 0 {
				return false
			}
			a.body = a.body[:r.IntN(len(a.body))]
			a.length = len(a.body)
			return true
		}},
		{"longer", func(a *answer, r *rand.Rand) bool {
			if a.head() {
				return false
			}
			a.body = append(a.body, " \n\x00}"[r.IntN(4)])
			a.length++
			return true
		}},
		{"drop", func(a *answer, _ *rand.Rand) bool { a.drop = true; return true }},
		{"404", func(a *answer, _ *rand.Rand) bool { return a.status != 404 && a.refuse(404) }},
		{"403", func(a *answer, _ *rand.Rand) bool { return a.refuse(403) }},
		{"429", func(a *answer, _ *rand.Rand) bool { return a.refuse(429) }},
		{"500", func(a *answer, _ *rand.Rand) bool { return a.refuse(500) }},
		{"empty", func(a *answer, _ *rand.Rand) bool {
			had := len(a.body) > 0 && !a.head()
			a.body, a.length = nil, 0
			return had
		}},
		{lyingDigest, func(a *answer, _ *rand.Rand) bool {
			return a.claim("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
		}},
		{noDigest, func(a *answer, _ *rand.Rand) bool { return a.claim("Docker-Content-Digest", "") }},
		{lyingType, func(a *answer, _ *rand.Rand) bool { return a.claim("Content-Type", "application/vnd.example") }},
	}
}

// A proxy passes requests on to a registry and spoils the n-th answer.
type proxy struct {
	upstream string
	client   http.Client

	mu    sync.Mutex
	n     int // the answer to spoil, from 0; negative = none
	how   mutation
	rand  *rand.Rand
	asked []string
	hit   string // the request whose answer was spoiled
}

func (p *proxy) set(n int, how mutation, r *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.how, p.rand, p.asked, p.hit = n, how, r, nil, ""
}

// state returns what was asked, what was spoiled, and how often that was asked.
func (p *proxy) state() (asked []string, hit string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.asked {
		if q == p.hit {
			times++
		}
	}
	return p.asked, p.hit, times
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+p.upstream+r.URL.RequestURI(), http.NoBody)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	q.Header = r.Header.Clone()
	resp, err := p.client.Do(q)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	a := &answer{request: r.Method + " " + r.URL.RequestURI(), status: resp.StatusCode, header: resp.Header, body: body, length: int(resp.ContentLength)}
	p.mu.Lock()
	if p.n == len(p.asked) && p.how.do(a, p.rand) {
		p.hit = a.request
	}
	p.asked = append(p.asked, a.request)
	p.mu.Unlock()
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	if a.length >= 0 {
		w.Header().Set("Content-Length", strconv.Itoa(a.length))
	}
	w.WriteHeader(a.status)
	if !a.head() {
		_, _ = w.Write(a.body)
	}
}
