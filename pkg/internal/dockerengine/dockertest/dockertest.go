// Package dockertest is a Docker engine for tests: it answers what it is told,
// right or wrong, and refuses every request that would change something.
package dockertest

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/system"
)

// ContainerdStatus is how an engine with containerd's image store describes its
// driver.
var ContainerdStatus = [2]string{"driver-type", "io.containerd.snapshotter.v1"}

// An Engine is what a test's engine holds. It must not be changed while it
// serves, other than by its own Fault.
type Engine struct {
	API        string // the version it speaks; "" = 1.41
	Podman     bool   // it is Podman, answering as an engine
	Info       system.Info
	Containers []container.InspectResponse
	Images     []image.InspectResponse // found by ID, RepoTags and RepoDigests
	Archives   map[string][]byte       // what Save hands out, by the name that is asked for
	Changes    map[string]any          // by the container's ID
	// Fault, if set, sees each request first, its path without the version, and
	// returns true if it answered.
	Fault func(w http.ResponseWriter, r *http.Request, path string) bool

	refused atomic.Int64
}

// Docker returns an engine as Docker 20.10 describes itself, with a graph driver.
func Docker() *Engine {
	return &Engine{Info: system.Info{Name: "host1", ServerVersion: "20.10.24", OSType: "linux", Architecture: "x86_64", Driver: "overlay2",
		DriverStatus: [][2]string{{"Backing Filesystem", "extfs"}, {"userxattr", "false"}}, DockerRootDir: "/var/lib/docker"}}
}

// Serve serves e on TCP until the test ends and returns its host.
func (e *Engine) Serve(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(e)
	e.closeAfter(t, srv)
	return "tcp://" + strings.TrimPrefix(srv.URL, "http://")
}

// ServeSocket serves e on a socket of this machine.
func (e *Engine) ServeSocket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e") // t.TempDir can be longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s.sock")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(e)
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	e.closeAfter(t, srv)
	return "unix://" + path
}

// closeAfter ends what hangs first, and checks that nobody tried to change
// anything.
func (e *Engine) closeAfter(t testing.TB, srv *httptest.Server) {
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		if n := e.refused.Load(); n > 0 {
			t.Errorf("%d requests to the engine were more than questions", n)
		}
	})
}

// ServeHTTP implements [http.Handler].
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.refused.Add(1)
		Fail(w, http.StatusMethodNotAllowed, "only questions are allowed")
		return
	}
	if e.Podman {
		w.Header().Set("Libpod-Api-Version", e.Info.ServerVersion)
	}
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v1."); ok {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	if e.Fault == nil || !e.Fault(w, r, path) {
		e.serve(w, r, path)
	}
}

func (e *Engine) serve(w http.ResponseWriter, r *http.Request, path string) {
	api := e.API
	if api == "" {
		api = "1.41"
	}
	w.Header().Set("Api-Version", api)
	switch path {
	case "/_ping":
		_, _ = w.Write([]byte("OK"))
		return
	case "/info":
		writeJSON(w, e.Info)
		return
	case "/containers/json":
		var out []container.Summary
		for _, c := range e.Containers {
			out = append(out, container.Summary{ID: c.ID, Names: []string{c.Name}, Image: c.Image})
		}
		writeJSON(w, out)
		return
	case "/images/get":
		name := r.URL.Query().Get("names")
		b, ok := e.Archives[name]
		if !ok {
			NotFound(w, "No such image: "+name)
			return
		}
		w.Header().Set("Content-Type", "application/x-tar")
		_, _ = w.Write(b)
		return
	}
	kind, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	name, what, err := cutLast(rest)
	switch {
	case err == nil && kind == "containers" && what == "json":
		for _, c := range e.Containers {
			if c.ID == name {
				writeJSON(w, c)
				return
			}
		}
	case err == nil && kind == "containers" && what == "changes":
		if c, ok := e.Changes[name]; ok {
			writeJSON(w, c)
			return
		}
	case err == nil && kind == "images" && what == "json":
		if i, ok := e.image(name); ok {
			writeJSON(w, i)
			return
		}
	}
	NotFound(w, "No such object: "+path)
}

func (e *Engine) image(name string) (image.InspectResponse, bool) {
	for _, i := range e.Images {
		for _, n := range append(append([]string{i.ID}, i.RepoTags...), i.RepoDigests...) {
			if n == name {
				return i, true
			}
		}
	}
	return image.InspectResponse{}, false
}

func cutLast(s string) (before, after string, err error) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", "", errors.New("no slash")
	}
	return s[:i], s[i+1:], nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// NotFound answers as an engine does for what it does not have.
func NotFound(w http.ResponseWriter, message string) { Fail(w, http.StatusNotFound, message) }

// Fail answers with a status and a message.
func Fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// Cut sends the start of an answer and ends the connection.
func Cut(w http.ResponseWriter, start string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(start))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Hang does not answer until the client leaves.
func Hang(r *http.Request) { <-r.Context().Done() }

// Running returns the description of a running container.
func Running(id, name, imageID, imageName string) container.InspectResponse {
	return container.InspectResponse{
		ID: id, Name: "/" + name, Image: imageID, Driver: "overlay2", Platform: "linux",
		State:      &container.State{Status: "running", Running: true, Pid: 4711, StartedAt: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC).Format(time.RFC3339Nano)},
		Config:     &container.Config{Image: imageName},
		HostConfig: &container.HostConfig{},
	}
}
