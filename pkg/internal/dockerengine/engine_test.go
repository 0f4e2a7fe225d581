package dockerengine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	linux := ref.Platform{OS: "linux", Architecture: "amd64"}
	podman := dockertest.Docker()
	podman.Podman, podman.Info.ServerVersion, podman.Info.DriverStatus = true, "4.3.1", nil
	containerd := dockertest.Docker()
	containerd.API = "1.55"
	containerd.Info.Driver = "overlayfs"
	containerd.Info.DriverStatus = [][2]string{dockertest.ContainerdStatus}
	careful := dockertest.Docker()
	careful.Info.DriverStatus = [][2]string{{"userxattr", "true"}}
	careful.Info.SecurityOptions = []string{"name=seccomp,profile=default", "name=userns", "name=rootless", "name=no-new-privileges"}
	tests := []struct {
		name   string
		engine *dockertest.Engine
		want   dockerengine.Info
	}{
		{"docker_with_a_graph_driver", dockertest.Docker(), dockerengine.Info{Name: "host1", Version: "20.10.24", API: "1.41", Store: dockerengine.StoreGraph,
			Driver: "overlay2", RootDir: "/var/lib/docker", Platform: linux, UserXattr: &no}},
		{"docker_with_containerd", containerd, dockerengine.Info{Name: "host1", Version: "20.10.24", API: "1.55", Store: dockerengine.StoreContainerd,
			Driver: "overlayfs", RootDir: "/var/lib/docker", Platform: linux}},
		{"podman", podman, dockerengine.Info{Name: "host1", Version: "Podman 4.3.1", API: "1.41", Podman: true, Store: dockerengine.StorePodman,
			Driver: "overlay2", RootDir: "/var/lib/docker", Platform: linux}},
		{"rootless", careful, dockerengine.Info{Name: "host1", Version: "20.10.24", API: "1.41", Store: dockerengine.StoreGraph, Driver: "overlay2",
			RootDir: "/var/lib/docker", Platform: linux, UserXattr: &yes, UserNamespaces: true, Rootless: true, NoNewPrivileges: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, connect(t, tt.engine).Info); diff != "" {
				t.Errorf("info (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	for machine, want := range map[string]string{"x86_64": "linux/amd64", "aarch64": "linux/arm64", "armv7l": "linux/arm", "armv6l": "linux/arm/v6", "i686": "linux/386", "s390x": "linux/s390x"} {
		engine := dockertest.Docker()
		engine.Info.Architecture = machine
		if got := connect(t, engine).Info.Platform.String(); got != want {
			t.Errorf("%s is %q, want %q", machine, got, want)
		}
	}
}

func TestVersionsOfTheAPI(t *testing.T) {
	t.Parallel()
	tests := []struct{ says, speaks, err string }{
		{"1.41", "1.41", ""},
		{"1.55", "1.55", ""},
		{"1.99", "1.56", ""}, // what the client knows is enough
		{"1.40", "", `speaks version "1.40" of the API; 1.41 is the oldest`},
		{"1.24", "", `speaks version "1.24" of the API; 1.41 is the oldest`},
		{"0", "", `speaks version "0" of the API`},
		{"new", "", `"new"`},
		{"none", "", "no Docker engine answers there"},
	}
	for _, tt := range tests {
		t.Run(tt.says, func(t *testing.T) {
			t.Parallel()
			engine := dockertest.Docker()
			engine.API = tt.says
			if tt.says == "none" {
				engine.Fault = func(w http.ResponseWriter, _ *http.Request, _ string) bool { w.WriteHeader(http.StatusOK); return true }
			}
			e, err := dial(t, engine)
			if tt.err == "" {
				if err != nil || e.Info.API != tt.speaks {
					t.Errorf("speaks %q, %v; want %q", e.Info.API, err, tt.speaks)
				}
				return
			}
			wantError(t, err, fact.Unsupported, tt.err)
		})
	}
}

// What goes wrong keeps its cause, on every question.
func TestFaults(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	status := func(code int, says string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { dockertest.Fail(w, code, says) }
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		cause  fact.Cause
		text   string
	}{
		{"401", status(401, "who are you"), fact.Unauthenticated, `it answered 401 Unauthorized: "who are you"`},
		{"403", status(403, "authorization denied by plugin"), fact.Forbidden, "denied by plugin"},
		{"404", status(404, "No such thing"), fact.NotFound, "No such thing"},
		{"429", status(429, ""), fact.RateLimited, "it answered 429 Too Many Requests"},
		{"500", status(500, "evil \x1b[2J\n"), fact.ServerError, `"evil \x1b[2J"`},
		{"503_of_a_proxy", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>busy</html>", http.StatusServiceUnavailable)
		}, fact.ServerError, "it answered 503 Service Unavailable"},
		{"long_message", status(500, strings.Repeat("x", 5000)), fact.ServerError, `xxx…"`},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, fact.ServerError, "it answered 302"},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x00\x01")) }, fact.ServerError, "not what the API promises"},
		{"wrong_shape", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`"hello"`)) }, fact.ServerError, "not what the API promises"},
		{"empty", func(http.ResponseWriter, *http.Request) {}, fact.CutShort, "ends early"},
		{"cut", func(w http.ResponseWriter, _ *http.Request) { dockertest.Cut(w, "[{") }, fact.CutShort, "cut in the middle"},
		{"hang", func(_ http.ResponseWriter, r *http.Request) { dockertest.Hang(r) }, fact.Network, "no answer within"},
		{"dies", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fact.Network, "closed the connection without an answer"},
	}
	for _, tt := range tests {
		for question, ask := range questions {
			t.Run(tt.name+"/"+question, func(t *testing.T) {
				t.Parallel()
				engine := dockertest.Docker()
				engine.Fault = func(w http.ResponseWriter, r *http.Request, path string) bool {
					if path == "/_ping" || path == "/info" {
						return false
					}
					tt.answer(w, r)
					return true
				}
				e := connect(t, engine)
				if tt.name == "hang" {
					e.Hurry(100 * time.Millisecond)
				}
				err := ask(t, e, id)
				wantError(t, err, tt.cause, tt.text)
				if got := dockerengine.Silent(err); got != (tt.name == "hang") {
					t.Errorf("silent: %v for %v", got, err)
				}
			})
		}
	}
}

var questions = map[string]func(*testing.T, *dockerengine.Engine, string) error{
	"list": func(t *testing.T, e *dockerengine.Engine, _ string) error {
		_, err := e.Containers(t.Context())
		return err
	},
	"inspect": func(t *testing.T, e *dockerengine.Engine, id string) error {
		_, err := e.Inspect(t.Context(), id)
		return err
	},
	"image": func(t *testing.T, e *dockerengine.Engine, _ string) error {
		_, err := e.Image(t.Context(), "x:1")
		return err
	},
	"changes": func(t *testing.T, e *dockerengine.Engine, id string) error {
		return e.Changes(t.Context(), id, func(dockerengine.Change) error { return nil })
	},
}

// The same faults while the connection is made.
func TestFaultsOfTheStart(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/_ping", "/info"} {
		for status, cause := range map[int]fact.Cause{401: fact.Unauthenticated, 500: fact.ServerError} {
			t.Run(fmt.Sprint(path, status), func(t *testing.T) {
				t.Parallel()
				engine := dockertest.Docker()
				engine.Fault = func(w http.ResponseWriter, _ *http.Request, p string) bool {
					if p == path {
						dockertest.Fail(w, status, "no")
					}
					return p == path
				}
				_, err := dial(t, engine)
				wantError(t, err, cause, fmt.Sprint(status))
			})
		}
	}
}

func TestContainers(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	entry := func(id string) string { return fmt.Sprintf(`{"Id":%q,"Labels":{"x":"y"},"Unknown":[1,{}]}`, id) }
	tests := []struct {
		name, body string
		want       []string
		cause      fact.Cause
		text       string
	}{
		{"null", "null", nil, "", ""},
		{"none", " [] \n", nil, "", ""},
		{"two_not_sorted", "[" + entry(b) + "," + entry(a) + "]", []string{a, b}, "", ""},
		{"the_same_twice", "[" + entry(a) + "," + entry(a) + "]", []string{a}, "", ""},
		{"an_object", `{"Id":"x"}`, nil, fact.ServerError, "not with a list"},
		{"no_id", `[{}]`, nil, fact.ServerError, "no ID of a container"},
		{"an_id_that_is_a_path", `[{"Id":"../../images/x"}]`, nil, fact.ServerError, "no ID of a container"},
		{"cut_after_one", "[" + entry(a) + ",", []string{a}, fact.CutShort, "ends early"},
		{"no_end", "[" + entry(a), []string{a}, fact.CutShort, "ends early"},
		{"garbage_after_one", "[" + entry(a) + ",x]", []string{a}, fact.ServerError, "not what the API promises"},
		{"huge_element", "[" + entry(a) + `,{"x":"` + strings.Repeat("x", 5<<20) + `"}]`, []string{a}, fact.Limit, "size of an element of the list exceeds the limit of 4194304"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := dockertest.Docker()
			engine.Fault = func(w http.ResponseWriter, r *http.Request, path string) bool {
				if path != "/containers/json" {
					return false
				}
				if r.URL.Query().Get("all") != "1" {
					t.Errorf("asked for %q: stopped containers would be left out", r.URL)
				}
				_, _ = w.Write([]byte(tt.body))
				return true
			}
			got, err := connect(t, engine).Containers(t.Context())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
			if tt.cause != "" {
				wantError(t, err, tt.cause, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A list that is cut leaves what came before.
func TestEngineThatDiesInTheList(t *testing.T) {
	t.Parallel()
	engine := dockertest.Docker()
	engine.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if path == "/containers/json" {
			dockertest.Cut(w, `[{"Id":"`+strings.Repeat("a", 64)+`"},{"Id":"bb`)
		}
		return false
	}
	got, err := connect(t, engine).Containers(t.Context())
	wantError(t, err, fact.CutShort, "cut in the middle")
	if len(got) != 1 {
		t.Errorf("%d containers are left, want the one that came", len(got))
	}
}

func TestHugeDescription(t *testing.T) {
	t.Parallel()
	engine := dockertest.Docker()
	engine.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if strings.HasSuffix(path, "/json") {
			_, _ = w.Write(append(bytes.Repeat([]byte(" "), 17<<20), "{}"...))
			return true
		}
		return false
	}
	e := connect(t, engine)
	_, err := e.Inspect(t.Context(), strings.Repeat("a", 64))
	wantError(t, err, fact.Limit, "size of the description of the container exceeds the limit of 16777216")
	_, err = e.Image(t.Context(), "x:1")
	wantError(t, err, fact.Limit, "size of the description of the image exceeds the limit of 16777216")
}

// An answer about another container than the one that was asked about is none.
func TestAnotherContainer(t *testing.T) {
	t.Parallel()
	engine := dockertest.Docker()
	engine.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if strings.HasPrefix(path, "/containers/") {
			_ = json.NewEncoder(w).Encode(dockertest.Running(strings.Repeat("b", 64), "x", "", "x"))
			return true
		}
		return false
	}
	_, err := connect(t, engine).Inspect(t.Context(), strings.Repeat("a", 64))
	wantError(t, err, fact.ServerError, "it describes container")
}

func TestChanges(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	engine := dockertest.Docker()
	engine.Changes = map[string]any{id: json.RawMessage(`[{"Path":"/b","Kind":1},{"Path":"/a","Kind":0},{"Path":"/c","Kind":2}]`), strings.Repeat("b", 64): json.RawMessage("null")}
	e := connect(t, engine)
	var got []dockerengine.Change
	add := func(c dockerengine.Change) error { got = append(got, c); return nil }
	if err := e.Changes(t.Context(), id, add); err != nil {
		t.Fatal(err)
	}
	if err := e.Changes(t.Context(), strings.Repeat("b", 64), add); err != nil {
		t.Fatal(err)
	}
	want := []dockerengine.Change{{Path: "/b", Kind: container.ChangeAdd}, {Path: "/a", Kind: container.ChangeModify}, {Path: "/c", Kind: container.ChangeDelete}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	enough := errors.New("enough")
	if err := e.Changes(t.Context(), id, func(dockerengine.Change) error { return enough }); err != enough { //nolint:errorlint // as it is
		t.Errorf("error %v, want the one of yield", err)
	}
	err := e.Changes(t.Context(), "../x", add)
	wantError(t, err, fact.ServerError, "no ID of a container")
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, host, text string }{
		{"no_socket", "unix:///nowhere/docker.sock", "there is no such socket"},
		{"nobody", "tcp://127.0.0.1:1", "nobody listens there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ep, err := dockerengine.Find(dockerengine.Options{Host: tt.host, Getenv: noEnv})
			if err != nil {
				t.Fatal(err)
			}
			_, err = dockerengine.Connect(t.Context(), ep, patience)
			wantError(t, err, fact.Network, tt.text)
			if !strings.Contains(image.HintOf(err), "is the engine running?") {
				t.Errorf("hint %q", image.HintOf(err))
			}
		})
	}
}

// patience is what a busy machine may need.
const patience = 10 * time.Minute

func connect(t testing.TB, engine *dockertest.Engine) *dockerengine.Engine {
	t.Helper()
	e, err := dial(t, engine)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func dial(t testing.TB, engine *dockertest.Engine) (*dockerengine.Engine, error) {
	t.Helper()
	ep, err := dockerengine.Find(dockerengine.Options{Host: engine.Serve(t), Getenv: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	e, err := dockerengine.Connect(t.Context(), ep, patience)
	if err == nil {
		t.Cleanup(e.Close)
	}
	return e, err
}

func noEnv(string) string { return "" }

func wantError(t *testing.T, err error, cause fact.Cause, text string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", text)
		return
	}
	if got := image.CauseOf(err); got != cause || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v with cause %q, want %q with cause %q", err, got, text, cause)
	}
}
