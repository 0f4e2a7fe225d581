package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
)

// PullSecret returns the credentials in the .dockerconfigjson of a cluster's
// Secret. Credential helpers that it names are not run: whoever can write a
// Secret must not choose a program on this machine.
func PullSecret(dockerConfigJSON []byte) (Keychain, error) {
	if len(dockerConfigJSON) > configBytes {
		return nil, fmt.Errorf("read pull secret: larger than %d bytes", configBytes)
	}
	file := configfile.New("")
	if err := file.LoadFromReader(strings.NewReader(string(dockerConfigJSON))); err != nil {
		// The parser quotes what it could not read, which may be a password.
		return nil, errors.New("read pull secret: not a valid Docker configuration")
	}
	return pullSecret(file.AuthConfigs), nil
}

type pullSecret map[string]types.AuthConfig

// Credential implements Keychain.
func (s pullSecret) Credential(_ context.Context, host, repository string) (Credential, error) {
	return lookUp(s, host, repository), nil
}
