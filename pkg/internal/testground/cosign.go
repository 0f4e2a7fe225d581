package testground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A Cosign is an installed cosign command, of one major version.
type Cosign struct {
	Bin string
	// Home is where it keeps its caches: a folder of the test, so that a run
	// depends on nothing an earlier one left.
	Home string
}

// Key is a signing key pair in cosign's files, without a password.
type Key struct{ Private, Public string }

// NewCosign installs tool, which is [CosignV2] or [CosignV3], and gives it home.
func NewCosign(ctx context.Context, tool GoTool, home string) (*Cosign, error) {
	bin, err := tool.Install(ctx)
	if err != nil {
		return nil, err
	}
	return &Cosign{Bin: bin, Home: home}, nil
}

// Run runs cosign and returns what it wrote to stdout.
func (c *Cosign) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.Bin, args...)
	cmd.Dir = c.Home
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "HOME="+c.Home,
		"XDG_CACHE_HOME="+c.Home, "TUF_ROOT="+filepath.Join(c.Home, "tuf"))
	return output(cmd)
}

// GenerateKey writes a key pair called name into the home.
func (c *Cosign) GenerateKey(ctx context.Context, name string) (Key, error) {
	prefix := filepath.Join(c.Home, name)
	if _, err := c.Run(ctx, "generate-key-pair", "--output-key-prefix", prefix); err != nil {
		return Key{}, err
	}
	return Key{Private: prefix + ".key", Public: prefix + ".pub"}, nil
}

// SignV2 signs image, a reference with a digest, with key and without a
// transparency log, as cosign v2 does: a .sig tag.
func (c *Cosign) SignV2(ctx context.Context, key Key, image string, flags ...string) error {
	args := append([]string{"sign", "--yes", "--key", key.Private, "--tlog-upload=false"}, flags...)
	_, err := c.Run(ctx, append(args, image)...)
	return err
}

// SignV3 signs image with key and without a transparency log, as cosign v3
// does: a Sigstore bundle as a referrer, or under the fallback tag of a
// registry without the referrers API.
func (c *Cosign) SignV3(ctx context.Context, key Key, image string, flags ...string) error {
	config := filepath.Join(c.Home, "signing-config.json") // names no service
	if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) {
		if _, err := c.Run(ctx, "signing-config", "create", "--out", config); err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("sign %q: %w", image, err)
	}
	args := append([]string{"sign", "--yes", "--key", key.Private, "--signing-config", config}, flags...)
	_, err := c.Run(ctx, append(args, image)...)
	return err
}
