package dockerengine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// Flags by which a user names an engine.
const (
	HostFlag    = "--docker-host"
	ContextFlag = "--docker-context"
)

// defaultContext is Docker's name for "no context": the environment, or the
// default socket.
const defaultContext = "default"

// An Endpoint is where an engine is, and what said so.
type Endpoint struct {
	Host string // "unix:///var/run/docker.sock", "tcp://10.0.0.5:2376"
	From string // "--docker-host", "DOCKER_HOST", `context "prod"`, "Docker's socket", "Podman's socket"

	tls *tls.Config // nil = none
}

// Local reports whether the engine is reached by a socket of this machine. What
// listens there may still be elsewhere: a socket can be forwarded.
func (e Endpoint) Local() bool { return strings.HasPrefix(e.Host, "unix://") }

// Find says where the engine is, in the order of Docker's own command: the
// options, DOCKER_HOST, DOCKER_CONTEXT, the current context, Docker's socket, and
// if there is none Podman's. It opens no connection.
func Find(o Options) (Endpoint, error) {
	env := o.env()
	switch {
	case o.Host != "" && o.Context != "":
		return Endpoint{}, findError("the engine", fact.Unsupported, errors.New("a host and a context are named"),
			"give "+HostFlag+" or "+ContextFlag)
	case o.Host != "":
		return env.host(o.Host, HostFlag)
	case o.Context != "" && o.Context != defaultContext:
		return env.context(o.Context)
	case o.Podman:
		return env.podman()
	case env("DOCKER_HOST") != "":
		return env.host(env("DOCKER_HOST"), "DOCKER_HOST")
	case o.Context == defaultContext:
		return env.socket()
	case env("DOCKER_CONTEXT") != "" && env("DOCKER_CONTEXT") != defaultContext:
		return env.context(env("DOCKER_CONTEXT"))
	case env("DOCKER_CONTEXT") == "":
		current, err := env.currentContext()
		if err != nil {
			return Endpoint{}, err
		}
		if current != "" && current != defaultContext {
			return env.context(current)
		}
	}
	return env.socket()
}

// An environment looks environment variables up.
type environment func(string) string

func (env environment) host(host, from string) (Endpoint, error) {
	config, err := env.tls()
	if err != nil {
		return Endpoint{}, err
	}
	return newEndpoint(host, from, config)
}

// newEndpoint checks host. What needs another program is refused: intact runs
// none.
func newEndpoint(host, from string, config *tls.Config) (Endpoint, error) {
	fail := func(hint, format string, args ...any) (Endpoint, error) {
		return Endpoint{}, findError(from, fact.Unsupported, fmt.Errorf(format, args...), hint)
	}
	scheme, addr, ok := strings.Cut(host, "://")
	switch {
	case !ok:
		return fail("write unix:///path/to/docker.sock or tcp://HOST:PORT", "%q has no scheme", host)
	case strings.ContainsRune(addr, 0):
		return fail("", "%q holds a NUL", host)
	case scheme == "ssh":
		where := addr[strings.LastIndexByte(addr, '@')+1:]
		return fail(fmt.Sprintf("forward the engine's socket and name that: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock %s & then "+
			"%s unix:///tmp/docker.sock; or run intact on that host, which also lets it read changed files", where, HostFlag),
			"an engine behind ssh (%q) is not supported: intact runs no other program", scheme+"://"+where)
	case scheme == "unix" || scheme == "npipe":
		if addr == "" {
			return fail("", "%q names no path", host)
		}
		return Endpoint{Host: host, From: from}, nil
	case scheme != "tcp":
		return fail("write unix:///path/to/docker.sock or tcp://HOST:PORT", "the scheme of %q is not supported", host)
	}
	u, err := url.Parse(host)
	if err != nil {
		return fail("", "%q is no URL", scheme+"://…")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Hostname() == "" {
		return fail("write tcp://HOST:PORT", "%q is more or less than a host and a port", u.Redacted())
	}
	if u.Port() == "" { // as Docker's command does it
		port := "2375"
		if config != nil {
			port = "2376"
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return Endpoint{Host: u.String(), From: from, tls: config}, nil
}

// socket is Docker's default, or where there is none Podman's.
func (env environment) socket() (Endpoint, error) {
	docker, err := newEndpoint(client.DefaultDockerHost, "Docker's socket", nil)
	if err != nil || !missing(docker.Host) {
		return docker, err
	}
	if podman, err := env.podman(); err == nil {
		return podman, nil
	}
	return docker, nil // to connect says that it is not there
}

func (env environment) podman() (Endpoint, error) {
	all := env.podmanSockets()
	for _, host := range all {
		if !missing(host) {
			return newEndpoint(host, "Podman's socket", nil)
		}
	}
	return Endpoint{}, findError("Podman's socket", fact.NotFound, fmt.Errorf("none of %s is there", strings.Join(all, ", ")),
		"start it: systemctl start podman.socket, or --user for your own")
}

func (env environment) podmanSockets() []string {
	var out []string
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		out = append(out, "unix://"+filepath.Join(dir, "podman", "podman.sock"))
	}
	return append(out, "unix:///run/podman/podman.sock")
}

// missing reports that a host is a socket that is not there. One that may not
// even be looked at is there; connecting says why not.
func missing(host string) bool {
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func findError(object string, cause fact.Cause, err error, hint string) error {
	return &image.Error{Op: "find the engine by", Object: object, Cause: cause, Err: err, Hint: hint}
}
