package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A FileKeychain reads Docker's configuration, or Podman's auth file, and runs
// the credential helpers named there. The file is read anew on every question:
// it is asked once per repository, and helpers renew what they hold.
type FileKeychain struct {
	// Path of the file; "" = $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
	// ~/.docker/config.json, then $XDG_RUNTIME_DIR/containers/auth.json and
	// ~/.config/containers/auth.json, the first that exists.
	Path string
}

// configBytes bounds the file: a few kilobytes in use.
const configBytes = 1 << 20

// helperName is what a credential helper may be called: it becomes part of the
// name of a program.
var helperName = lazy.Regexp(`^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$`)

// dockerHub is the name under which docker login stores Docker Hub.
const dockerHub = "https://index.docker.io/v1/"

// Credential implements Keychain.
func (k FileKeychain) Credential(ctx context.Context, host, repository string) (Credential, error) {
	path := k.Path
	if path == "" {
		path = findConfig()
	}
	if path == "" {
		return Credential{}, nil
	}
	file, err := readConfig(path)
	if err != nil {
		return Credential{}, err
	}
	for _, key := range keysOf(host, repository) {
		if helper := file.CredentialHelpers[key]; helper != "" {
			return runHelper(ctx, helper, key)
		}
	}
	if cred := lookUp(file.AuthConfigs, host, repository); cred != (Credential{}) {
		return cred, nil
	}
	if file.CredentialsStore == "" {
		return Credential{}, nil
	}
	for _, key := range hostKeys(host) {
		cred, err := runHelper(ctx, file.CredentialsStore, key)
		if err != nil || cred != (Credential{}) {
			return cred, err
		}
	}
	return Credential{}, nil
}

func findConfig() string {
	home, _ := os.UserHomeDir()
	under := func(dir string, rest ...string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(append([]string{dir}, rest...)...)
	}
	docker := os.Getenv("DOCKER_CONFIG")
	if docker == "" {
		docker = under(home, ".docker")
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = under(home, ".config")
	}
	for _, p := range []string{
		os.Getenv("REGISTRY_AUTH_FILE"),
		under(docker, "config.json"),
		under(os.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json"),
		under(config, "containers", "auth.json"),
	} {
		if info, err := os.Stat(p); p != "" && err == nil && info.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

func readConfig(path string) (*configfile.ConfigFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, configBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(text) > configBytes:
		return nil, fmt.Errorf("read %s: larger than %d bytes", path, configBytes)
	}
	file := configfile.New(path)
	if err := file.LoadFromReader(strings.NewReader(string(text))); err != nil {
		// The parser quotes what it could not read, which may be a password.
		return nil, fmt.Errorf("read %s: not a valid Docker configuration", path)
	}
	return file, nil
}

// lookUp finds the entry for the longest prefix of host/repository, as Podman
// does, and Docker's spellings of the host.
func lookUp(auths map[string]types.AuthConfig, host, repository string) Credential {
	for _, key := range keysOf(host, repository) {
		if a, ok := auths[key]; ok {
			return credentialOf(a)
		}
	}
	return Credential{}
}

func credentialOf(a types.AuthConfig) Credential {
	return Credential{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken}
}

func keysOf(host, repository string) []string {
	var keys []string
	for path := repository; path != ""; {
		keys = append(keys, host+"/"+path)
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return append(keys, hostKeys(host)...)
}

func hostKeys(host string) []string {
	if host == "docker.io" {
		return []string{dockerHub, "docker.io", "index.docker.io", "https://index.docker.io", "registry-1.docker.io"}
	}
	return []string{host, "https://" + host, "https://" + host + "/v1/", "https://" + host + "/v2/"}
}

// runHelper asks a credential helper. That it holds nothing is no error.
func runHelper(ctx context.Context, name, key string) (Credential, error) {
	if !helperName().MatchString(name) {
		return Credential{}, fmt.Errorf("credential helper %q: not a name of a helper", clip(name))
	}
	got, err := client.Get(helperProgram(ctx, "docker-credential-"+name), key)
	switch {
	case ctx.Err() != nil:
		return Credential{}, ctx.Err()
	case credentials.IsErrCredentialsNotFound(err):
		return Credential{}, nil
	case err != nil:
		// What a helper prints is not shown: it may hold what it was asked for.
		return Credential{}, fmt.Errorf("credential helper %q: %w", name, errHelper)
	case got.Username == "<token>":
		return Credential{IdentityToken: got.Secret}, nil
	}
	return Credential{Username: got.Username, Password: got.Secret}, nil
}

var errHelper = errors.New("it could not be run, or gave no usable answer")
