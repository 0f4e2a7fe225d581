package testground

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A Registry is a running CNCF Distribution 2.8 (Debian's docker-registry) on
// loopback. It knows OCI manifests, has no referrers API, and keeps its blobs
// as plain files, so a test can change what it serves behind its back.
type Registry struct {
	Addr string // host:port
	Dir  string // root of the storage

	cmd   *exec.Cmd
	done  chan error
	untie func() // forgets the process
	log   *accessLog
	// release gives back what keeps others from the address; may be nil.
	release func()
}

// A Hook is told by a registry of everything but blobs and pulls.
type Hook struct {
	URL           string
	Authorization string // the header's value
}

// StartRegistry starts a registry that stores into dir and waits until it
// answers. It lives until Close, or until the test's process ends.
func StartRegistry(ctx context.Context, dir string, hooks ...Hook) (*Registry, error) {
	var last error
	for range 3 { // another process may take the port between choice and use
		addr, err := FreeAddr()
		if err != nil {
			return nil, err
		}
		r, err := startRegistryAt(ctx, dir, addr, hooks...)
		if err == nil {
			return r, nil
		}
		last = err
	}
	return nil, last
}

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: %q}
`

// endpoints of notifications.
//
// https://distribution.github.io/distribution/about/notifications/
func endpoints(hooks []Hook) string {
	if len(hooks) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("notifications:\n  endpoints:\n")
	for i, h := range hooks {
		fmt.Fprintf(&b, "    - {name: hook%d, url: %q, headers: {Authorization: [%q]}, timeout: 2s, threshold: 5, backoff: 1s, ignore: {mediatypes: [application/octet-stream], actions: [pull]}}\n",
			i, h.URL, h.Authorization)
	}
	return b.String()
}

func startRegistryAt(ctx context.Context, dir, addr string, hooks ...Hook) (*Registry, error) {
	bin, err := Command("docker-registry", "docker-registry")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "registry.yml")
	storage := filepath.Join(dir, "storage")
	if err := os.WriteFile(conf, fmt.Appendf(nil, registryConfig+"%s", strconv.Quote(storage), addr, endpoints(hooks)), 0o600); err != nil {
		return nil, fmt.Errorf("write the registry's configuration: %w", err)
	}
	r := &Registry{Addr: addr, Dir: storage, done: make(chan error, 1), log: new(accessLog)}
	r.cmd = exec.Command(bin, "serve", conf)
	r.cmd.Stdout = r.log
	untie, err := startTied(r.cmd)
	if err != nil {
		return nil, fmt.Errorf("start docker-registry: %w", err)
	}
	r.untie = untie
	go func() { r.done <- r.cmd.Wait() }()
	if err := r.wait(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if _, err := r.Requests(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// wait returns once the registry answers.
func (r *Registry) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if r.ask(ctx, "/v2/") == nil {
			return nil
		}
		select {
		case err := <-r.done:
			r.done <- err
			return fmt.Errorf("start docker-registry on %s: ended early: %v", r.Addr, err)
		case <-ctx.Done():
			return fmt.Errorf("start docker-registry on %s: no answer: %w", r.Addr, ctx.Err())
		case <-tick.C:
		}
	}
}

// Close stops the registry; its storage stays.
func (r *Registry) Close() error {
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop docker-registry: %w", err)
	}
	<-r.done
	r.untie()
	if r.release != nil {
		r.release()
	}
	return nil
}

// Restart starts a registry that was closed again, at the same address and with
// what it has. It has no hooks.
func (r *Registry) Restart(ctx context.Context) error {
	again, err := startRegistryAt(ctx, filepath.Dir(r.Dir), r.Addr)
	if err != nil {
		return err
	}
	release := r.release
	*r = *again
	r.release = release
	return nil
}

// Ref is the reference of name ("app:1.2.3" or "app@sha256:…") here.
func (r *Registry) Ref(name string) string { return r.Addr + "/" + name }

// BlobPath is the file with the content of digest ("sha256:…"), manifests
// included.
func (r *Registry) BlobPath(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(r.Dir, "docker", "registry", "v2", "blobs", algorithm, hex[:2], hex, "data")
}

// A Request is one line of the registry's access log.
type Request struct {
	Method, Path string
	Status       int
}

// Requests returns what was asked since the start or the last call, in the
// order in which the answers ended.
//
// The registry writes a line after its answer is out, so one more request marks
// the end: once the log shows it, what was answered before is there too.
func (r *Registry) Requests(ctx context.Context) ([]Request, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := r.ask(ctx, endOfRequests); err != nil {
		return nil, fmt.Errorf("mark the end of the access log: %w", err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if requests, ok := r.log.take(); ok {
			return requests, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the access log: the end mark is missing: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

const endOfRequests = "/v2/end-of-requests"

func (r *Registry) ask(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Addr+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// accessLog collects the access log, which docker-registry writes to stdout.
type accessLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take removes and returns the requests before the end mark; false if the mark
// is not there yet.
func (l *accessLog) take() ([]Request, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := parseAccessLog(l.buf.Bytes())
	n := len(requests)
	if n == 0 || requests[n-1].Path != endOfRequests {
		return nil, false
	}
	l.buf.Reset()
	return requests[:n-1], true
}

var accessLine = lazy.Regexp(`"([A-Z]+) (\S+) HTTP/[0-9.]+" ([0-9]{3}) `)

func parseAccessLog(log []byte) []Request {
	var requests []Request
	lines := bufio.NewScanner(bytes.NewReader(log))
	for lines.Scan() {
		m := accessLine().FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		status, err := strconv.Atoi(m[3])
		if err != nil {
			continue
		}
		requests = append(requests, Request{Method: m[1], Path: m[2], Status: status})
	}
	return requests
}
