package dockerengine

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/go-connections/tlsconfig"
	"github.com/moby/moby/client"

	"github.com/intact-dev/intact/pkg/fact"
)

// configBytes bounds a file of Docker's configuration: a few kilobytes in use.
const configBytes = 1 << 20

// configDir is where Docker keeps its configuration.
func (env environment) configDir() (string, error) {
	if dir := env("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home := env("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", findError("Docker's configuration", fact.NotFound, err, "name the engine: "+HostFlag)
		}
	}
	return filepath.Join(home, ".docker"), nil
}

// currentContext is what "docker context use" wrote down; "" = nothing.
func (env environment) currentContext() (string, error) {
	dir, err := env.configDir()
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "config.json")
	b, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	file := configfile.New(name)
	if err == nil {
		if err = file.LoadFromReader(strings.NewReader(string(b))); err != nil {
			// The parser quotes what it could not read, which may be a password.
			err = errors.New("not a valid Docker configuration")
		}
	}
	if err != nil {
		return "", findError(fmt.Sprintf("the current context in %q", name), causeOfFile(err), err, "name the engine: "+HostFlag)
	}
	return file.CurrentContext, nil
}

// context looks up where a context's engine is.
func (env environment) context(name string) (Endpoint, error) {
	from := fmt.Sprintf("context %q", name)
	dir, err := env.configDir()
	if err != nil {
		return Endpoint{}, err
	}
	// The folder's name is a hash, so no name leads out of it.
	// https://github.com/docker/cli/blob/v29.0.0/cli/context/store/store.go#L533
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	file := filepath.Join(dir, "contexts", "meta", id, "meta.json")
	b, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, findError(from, fact.NotFound, fmt.Errorf("there is none in %q", filepath.Join(dir, "contexts")), "list them: docker context ls")
	}
	var meta contextMeta
	if err == nil {
		meta, err = parseContext(b)
	}
	if err == nil && meta.Name != name {
		err = fmt.Errorf("%q is of context %q", file, meta.Name)
	}
	if err != nil {
		return Endpoint{}, findError(from, causeOfFile(err), err, "")
	}
	config, err := contextTLS(filepath.Join(dir, "contexts", "tls", id, "docker"), meta.docker.SkipTLSVerify)
	if err != nil {
		return Endpoint{}, findError(from, causeOfFile(err), err, "")
	}
	if meta.docker.Host == "" { // a context of Docker's may leave it open
		return newEndpoint(client.DefaultDockerHost, from, nil)
	}
	return newEndpoint(meta.docker.Host, from, config)
}

// A contextMeta is what matters of a context's meta.json.
type contextMeta struct {
	Name   string
	docker struct {
		Host          string
		SkipTLSVerify bool
	}
}

func parseContext(b []byte) (contextMeta, error) {
	var meta contextMeta
	var doc struct {
		Name      string
		Endpoints map[string]json.RawMessage
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return meta, fmt.Errorf("parse meta.json: %w", err)
	}
	meta.Name = doc.Name
	endpoint, ok := doc.Endpoints["docker"]
	if !ok {
		return meta, errors.New("parse meta.json: it has no endpoint called docker")
	}
	if err := json.Unmarshal(endpoint, &meta.docker); err != nil {
		return meta, fmt.Errorf("parse meta.json: endpoint docker: %w", err)
	}
	return meta, nil
}

// tls is what the environment asks for. Unlike with Docker's command, it cannot
// turn verification off: a context can.
func (env environment) tls() (*tls.Config, error) {
	dir := env("DOCKER_CERT_PATH")
	if dir == "" && env("DOCKER_TLS_VERIFY") == "" {
		return nil, nil
	}
	if dir == "" {
		var err error
		if dir, err = env.configDir(); err != nil {
			return nil, err
		}
	}
	config, err := contextTLS(dir, false)
	if err != nil {
		return nil, findError("DOCKER_CERT_PATH", causeOfFile(err), err, "")
	}
	if config == nil {
		config, err = tlsOf(tlsconfig.Options{})
	}
	return config, err
}

// contextTLS reads ca.pem, cert.pem and key.pem of dir, as far as they are
// there; nil if none is and verification is not turned off.
func contextTLS(dir string, skipVerify bool) (*tls.Config, error) {
	o := tlsconfig.Options{InsecureSkipVerify: skipVerify, ExclusiveRootPools: true}
	found := skipVerify
	for _, f := range []struct {
		name string
		into *string
	}{{"ca.pem", &o.CAFile}, {"cert.pem", &o.CertFile}, {"key.pem", &o.KeyFile}} {
		file := filepath.Join(dir, f.name)
		switch _, err := readFile(file); {
		case err == nil:
			*f.into, found = file, true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if !found {
		return nil, nil
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, fmt.Errorf("%q has one of cert.pem and key.pem without the other", dir)
	}
	return tlsOf(o)
}

func tlsOf(o tlsconfig.Options) (*tls.Config, error) {
	config, err := tlsconfig.Client(o)
	if err != nil {
		return nil, fmt.Errorf("set up TLS: %w", err)
	}
	return config, nil
}

// readFile reads a small regular file. It does not block on a pipe.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, configBytes+1))
	if err == nil && len(b) > configBytes {
		err = fmt.Errorf("%q is larger than %d bytes", name, configBytes)
	}
	return b, err
}

func causeOfFile(err error) fact.Cause {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fact.Forbidden
	case errors.Is(err, fs.ErrNotExist):
		return fact.NotFound
	}
	return fact.Unsupported
}
