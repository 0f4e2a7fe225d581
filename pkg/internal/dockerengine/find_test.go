package dockerengine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
)

// A config is a folder of Docker's configuration.
type config struct {
	t   testing.TB
	dir string
}

func newConfig(t testing.TB) config { return config{t, t.TempDir()} }

func (c config) write(name, content string) {
	c.t.Helper()
	name = filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c config) context(name, meta string) {
	c.t.Helper()
	c.write(filepath.Join("contexts", "meta", contextID(name), "meta.json"), meta)
}

func contextID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// env looks up pairs, with the folder as DOCKER_CONFIG.
func (c config) env(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		if key == "DOCKER_CONFIG" {
			return c.dir
		}
		return ""
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := newConfig(t)
	c.write("config.json", `{"currentContext":"prod","auths":{}}`)
	c.context("prod", `{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://prod.example:2376"},"kubernetes":{"x":[]}}}`)
	c.context("socket", `{"Name":"socket","Endpoints":{"docker":{"Host":"unix:///run/other.sock"}}}`)
	c.context("desktop", `{"Name":"desktop","Endpoints":{"docker":{}}}`)
	c.context("far", `{"Name":"far","Endpoints":{"docker":{"Host":"ssh://me:secret@far.example"}}}`)
	podman := t.TempDir()
	if err := os.MkdirAll(filepath.Join(podman, "podman"), 0o755); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(podman, "podman", "podman.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		o          dockerengine.Options
		env        []string
		host, from string
	}{
		{"current_context", dockerengine.Options{}, nil, "tcp://prod.example:2376", `context "prod"`},
		{"context_of_the_environment", dockerengine.Options{}, []string{"DOCKER_CONTEXT", "socket"}, "unix:///run/other.sock", `context "socket"`},
		{"host_before_contexts", dockerengine.Options{}, []string{"DOCKER_CONTEXT", "socket", "DOCKER_HOST", "unix:///a.sock"}, "unix:///a.sock", "DOCKER_HOST"},
		{"option_before_all", dockerengine.Options{Host: "unix:///b.sock"}, []string{"DOCKER_HOST", "unix:///a.sock"}, "unix:///b.sock", "--docker-host"},
		{"context_option_before_host", dockerengine.Options{Context: "socket"}, []string{"DOCKER_HOST", "unix:///a.sock"}, "unix:///run/other.sock", `context "socket"`},
		{"default_context", dockerengine.Options{Context: "default"}, nil, "unix:///var/run/docker.sock", "Docker's socket"},
		{"default_context_of_the_environment", dockerengine.Options{}, []string{"DOCKER_CONTEXT", "default"}, "unix:///var/run/docker.sock", "Docker's socket"},
		{"context_without_a_host", dockerengine.Options{Context: "desktop"}, nil, "unix:///var/run/docker.sock", `context "desktop"`},
		{"podman_when_asked", dockerengine.Options{Podman: true}, []string{"XDG_RUNTIME_DIR", podman, "DOCKER_HOST", "unix:///a.sock"}, "unix://" + socket, "Podman's socket"},
		{"port_left_out", dockerengine.Options{Host: "tcp://10.0.0.5"}, nil, "tcp://10.0.0.5:2375", "--docker-host"},
		{"ipv6_without_port", dockerengine.Options{Host: "tcp://[::1]"}, nil, "tcp://[::1]:2375", "--docker-host"},
		{"port_left_out_with_tls", dockerengine.Options{Host: "tcp://10.0.0.5"}, []string{"DOCKER_TLS_VERIFY", "1"}, "tcp://10.0.0.5:2376", "--docker-host"},
		{"below_a_path", dockerengine.Options{Host: "tcp://10.0.0.5:80/docker"}, nil, "tcp://10.0.0.5:80/docker", "--docker-host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tt.host, "/var/run/docker.sock") {
				needsDefault(t)
			}
			tt.o.Getenv = c.env(tt.env...)
			got, err := dockerengine.Find(tt.o)
			if err != nil || got.Host != tt.host || got.From != tt.from {
				t.Errorf("%q from %s, %v; want %q from %s", got.Host, got.From, err, tt.host, tt.from)
			}
			if got.Local() != strings.HasPrefix(tt.host, "unix:") {
				t.Errorf("%q is local: %v", got.Host, got.Local())
			}
		})
	}
}

// needsDefault: on a machine without Docker's socket but with Podman's, that one
// is found.
func needsDefault(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/run/podman/podman.sock"); err == nil {
		t.Skip("this machine has Podman's socket")
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	c := newConfig(t)
	c.context("broken", `{"Name":`)
	c.context("empty", `{"Name":"empty","Endpoints":{"kubernetes":{}}}`)
	c.context("odd", `{"Name":"odd","Endpoints":{"docker":{"Host":["x"]}}}`)
	c.context("mine", `{"Name":"theirs","Endpoints":{"docker":{"Host":"unix:///x"}}}`)
	c.context("far", `{"Name":"far","Endpoints":{"docker":{"Host":"ssh://me:secret@far.example:22"}}}`)
	c.context("large", `{"Name":"large",`+strings.Repeat(" ", 1<<20)+`"Endpoints":{}}`)
	c.context("half", `{"Name":"half","Endpoints":{"docker":{"Host":"tcp://h:1"}}}`)
	c.write(filepath.Join("contexts", "tls", contextID("half"), "docker", "cert.pem"), "x")
	c.context("badca", `{"Name":"badca","Endpoints":{"docker":{"Host":"tcp://h:1"}}}`)
	c.write(filepath.Join("contexts", "tls", contextID("badca"), "docker", "ca.pem"), "no certificate")
	if err := os.MkdirAll(filepath.Join(c.dir, "contexts", "meta", contextID("folder"), "meta.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	bad := newConfig(t)
	bad.write("config.json", `{"auths": secret`)
	tests := []struct {
		name  string
		o     dockerengine.Options
		env   func(string) string
		cause fact.Cause
		text  string
	}{
		{"both", dockerengine.Options{Host: "unix:///x", Context: "x"}, c.env(), fact.Unsupported, "a host and a context are named"},
		{"no_scheme", dockerengine.Options{Host: "localhost:2375"}, c.env(), fact.Unsupported, `"localhost:2375" has no scheme`},
		{"unknown_scheme", dockerengine.Options{Host: "ftp://x"}, c.env(), fact.Unsupported, "scheme"},
		{"no_path", dockerengine.Options{Host: "unix://"}, c.env(), fact.Unsupported, "names no path"},
		{"password", dockerengine.Options{Host: "tcp://me:secret@h:1"}, c.env(), fact.Unsupported, `"tcp://me:xxxxx@h:1" is more or less than`},
		{"no_url", dockerengine.Options{Host: "tcp://me:secret@h:port"}, c.env(), fact.Unsupported, "is no URL"},
		{"nul", dockerengine.Options{Host: "unix:///\x00"}, c.env(), fact.Unsupported, "holds a NUL"},
		{"ssh", dockerengine.Options{Context: "far"}, c.env(), fact.Unsupported, `"ssh://far.example:22"`},
		{"no_such_context", dockerengine.Options{Context: "nowhere"}, c.env(), fact.NotFound, `context "nowhere"`},
		{"context_with_a_path", dockerengine.Options{Context: "../../../etc"}, c.env(), fact.NotFound, "there is none in"},
		{"broken_context", dockerengine.Options{Context: "broken"}, c.env(), fact.Unsupported, "parse meta.json"},
		{"context_without_docker", dockerengine.Options{Context: "empty"}, c.env(), fact.Unsupported, "no endpoint called docker"},
		{"context_of_another_shape", dockerengine.Options{Context: "odd"}, c.env(), fact.Unsupported, "endpoint docker"},
		{"context_of_another_name", dockerengine.Options{Context: "mine"}, c.env(), fact.Unsupported, `is of context "theirs"`},
		{"large_context", dockerengine.Options{Context: "large"}, c.env(), fact.Unsupported, "larger than 1048576 bytes"},
		{"context_that_is_a_folder", dockerengine.Options{Context: "folder"}, c.env(), fact.Unsupported, "no regular file"},
		{"certificate_without_key", dockerengine.Options{Context: "half"}, c.env(), fact.Unsupported, "without the other"},
		{"authority_that_is_none", dockerengine.Options{Context: "badca"}, c.env(), fact.Unsupported, "set up TLS"},
		{"broken_configuration", dockerengine.Options{}, bad.env(), fact.Unsupported, "not a valid Docker configuration"},
		{"no_podman", dockerengine.Options{Podman: true}, c.env("XDG_RUNTIME_DIR", "/nowhere"), fact.NotFound, "unix:///nowhere/podman/podman.sock"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "no_podman" {
				needsDefault(t)
			}
			tt.o.Getenv = tt.env
			got, err := dockerengine.Find(tt.o)
			wantError(t, err, tt.cause, tt.text)
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(image.HintOf(err), "secret")) {
				t.Errorf("%v shows a password", err)
			}
			if got.Host != "" {
				t.Errorf("host %q beside an error", got.Host)
			}
		})
	}
	_, err := dockerengine.Find(dockerengine.Options{Context: "far", Getenv: c.env()})
	if hint := image.HintOf(err); !strings.Contains(hint, "ssh -nNT -L") || !strings.Contains(hint, "--docker-host unix:///tmp/docker.sock") {
		t.Errorf("the hint %q does not say what to do instead of ssh", hint)
	}
}

// An engine behind TLS is asked with what the context or the environment says,
// and with nothing else.
func TestTLS(t *testing.T) {
	t.Parallel()
	engine := dockertest.Docker()
	srv := httptest.NewUnstartedServer(engine)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	srv.StartTLS()
	t.Cleanup(srv.Close)
	host := "tcp://" + strings.TrimPrefix(srv.URL, "https://")
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	c := newConfig(t)
	c.write("certs/ca.pem", ca)
	c.context("prod", `{"Name":"prod","Endpoints":{"docker":{"Host":"`+host+`"}}}`)
	c.write(filepath.Join("contexts", "tls", contextID("prod"), "docker", "ca.pem"), ca)
	c.context("careless", `{"Name":"careless","Endpoints":{"docker":{"Host":"`+host+`","SkipTLSVerify":true}}}`)
	c.context("plain", `{"Name":"plain","Endpoints":{"docker":{"Host":"`+host+`"}}}`)
	tests := []struct {
		name  string
		o     dockerengine.Options
		env   []string
		cause fact.Cause
		text  string
	}{
		{"context", dockerengine.Options{Context: "prod"}, nil, "", ""},
		{"context_that_verifies_nothing", dockerengine.Options{Context: "careless"}, nil, "", ""},
		{"context_without_tls", dockerengine.Options{Context: "plain"}, nil, fact.ServerError, "it answered 400"},
		{"environment", dockerengine.Options{Host: host}, []string{"DOCKER_CERT_PATH", filepath.Join(c.dir, "certs")}, "", ""},
		{"environment_without_the_authority", dockerengine.Options{Host: host}, []string{"DOCKER_TLS_VERIFY", "1"}, fact.Network, "certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Getenv = c.env(tt.env...)
			ep, err := dockerengine.Find(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := dockerengine.Connect(t.Context(), ep, patience)
			if tt.text != "" {
				wantError(t, err, tt.cause, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if _, err := e.Containers(t.Context()); err != nil { // the requests of our own
				t.Error(err)
			}
		})
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	ep, err := dockerengine.Find(dockerengine.Options{Host: dockertest.Docker().ServeSocket(t), Getenv: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	e, err := dockerengine.Connect(t.Context(), ep, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Containers(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whatever a context says, it leads to an engine or to an error that says why,
// and never to the one of somebody else.
func FuzzContext(f *testing.F) {
	for _, s := range []string{
		`{"Name":"c","Endpoints":{"docker":{"Host":"tcp://h:1"}}}`, `{"Name":"c","Endpoints":{"docker":{"Host":"ssh://h"}}}`,
		`{"Name":"c","Endpoints":{"docker":null}}`, `{"name":"c","endpoints":{"docker":{"host":"unix:///x","skiptlsverify":true}}}`,
		`{"Name":"d"}`, `[]`, `null`, ``, `{"Name":"c","Endpoints":{"docker":{"Host":"tcp://u:p@h"}}}`,
	} {
		f.Add([]byte(s))
	}
	c := newConfig(f)
	f.Fuzz(func(t *testing.T, meta []byte) {
		config{t, c.dir}.context("c", string(meta))
		ep, err := dockerengine.Find(dockerengine.Options{Context: "c", Getenv: c.env()})
		if err != nil {
			if image.CauseOf(err) == fact.Internal {
				t.Errorf("%v has no cause", err)
			}
			return
		}
		scheme, _, _ := strings.Cut(ep.Host, "://")
		if ep.From != `context "c"` || scheme != "unix" && scheme != "tcp" && scheme != "npipe" {
			t.Errorf("%q from %s", ep.Host, ep.From)
		}
	})
}
