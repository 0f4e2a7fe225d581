package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/urfave/cli/v2"
	"golang.org/x/net/http/httpproxy"
)

// reach is how registries are reached.
type reach struct {
	registry *registry.Source
	options  registry.Options // of registry
	policy   *policy.Policy
	config   *config.Config
}

// signatureRepositories returns where else signatures of name may be: at the
// upstream of a mirror, then where the config says.
func (r *reach) signatureRepositories(name ref.Ref) []ref.Ref {
	var out []ref.Ref
	if upstream := r.policy.UpstreamOf(name.Canonical()); upstream != name.Canonical() {
		out = append(out, ref.Ref{Name: upstream})
	}
	if repository := r.config.Registry(name.Registry()).SignatureRepository; repository != "" {
		out = append(out, ref.Ref{Name: repository})
	}
	return out
}

func newReach(p program, c *cli.Context, pol *policy.Policy, notices *notices) (*reach, error) {
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, err
	}
	o := registry.Options{
		PlainHTTP: c.StringSlice("plain-http"), AllowRedirect: c.StringSlice("allow-redirect"),
		Offline: c.Bool("offline"), UserAgent: "intact/" + toolVersion(), Note: notices.add,
	}
	keychains := map[string]registry.Keychain{}
	for _, h := range cfg.Registries {
		host := registry.Host{Host: h.Host, PlainHTTP: h.PlainHTTP, Realms: h.Realms, PrivateAddresses: h.PrivateAddresses}
		for _, cert := range h.CA {
			host.CA = append(host.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
		}
		if h.Credentials != nil {
			if host.Credentials, err = credential(p, h.Credentials); err != nil {
				return nil, usage(fmt.Errorf("config %s: credentials for %s: %w", cfg.File, h.Host, err), "see docs/config.md")
			}
			if host.Credentials == nil {
				keychains[h.Host] = keychainFor(h.Credentials.From)
			}
		}
		o.Hosts = append(o.Hosts, host)
	}
	if len(keychains) > 0 {
		o.Keychain = &perHost{hosts: keychains, others: registry.DefaultKeychain()}
	}
	if cfg.Proxies != nil {
		o.Proxy = proxy(cfg.Proxies)
	}
	src, err := registry.New(o)
	if err != nil {
		return nil, usage(err, "hosts are written as in references: registry.example.com:5000")
	}
	return &reach{registry: src, options: o, policy: pol, config: cfg}, nil
}

// with is the registry with other credentials. Those of the config stay: they
// are for the host, whoever asks.
func (r *reach) with(k registry.Keychain) (*registry.Source, error) {
	o := r.options
	o.Keychain = k
	return registry.New(o)
}

// loadConfig reads --config, or the user's own config if there is one. It never
// looks into the current folder: a checkout must not say where credentials go.
func loadConfig(c *cli.Context) (*config.Config, error) {
	file := c.String("config")
	named := file != ""
	if !named {
		dir, err := os.UserConfigDir()
		if err != nil {
			return &config.Config{}, nil //nolint:nilerr // a user without a folder has no config
		}
		file = config.File(dir)
	}
	cfg, err := config.Load(file, readLimited)
	switch {
	case err != nil && !named && errors.Is(err, fs.ErrNotExist):
		return &config.Config{}, nil
	case err != nil:
		return nil, usage(err, "check it with: intact config lint "+file)
	}
	return cfg, nil
}

// credential reads what a config says to show to a host; nil if it comes from a
// keychain.
func credential(p program, c *config.Credentials) (*registry.Credential, error) {
	secret := func(file, env string) (string, error) { return secretOf(p, file, env) }
	switch {
	case c.From != "":
		return nil, nil
	case c.TokenFile != "" || c.TokenEnv != "":
		token, err := secret(c.TokenFile, c.TokenEnv)
		return &registry.Credential{RegistryToken: token}, err
	}
	password, err := secret(c.PasswordFile, c.PasswordEnv)
	return &registry.Credential{Username: c.Username, Password: password}, err
}

// secretOf reads a secret from a file, or else from a variable of the environment.
func secretOf(p program, file, env string) (string, error) {
	if file != "" {
		b, err := readLimited(file)
		return strings.TrimRight(string(b), "\r\n"), err
	}
	v, ok := p.env(env)
	if !ok || v == "" {
		return "", fmt.Errorf("the variable %s is not set", env)
	}
	return v, nil
}

func keychainFor(from string) registry.Keychain {
	switch from {
	case "anonymous":
		return registry.Anonymous{}
	case "docker":
		return registry.FileKeychain{}
	}
	return registry.CloudKeychain() // ECR, Artifact Registry, ACR: by the host's own name
}

// perHost asks a keychain of its own for some hosts.
type perHost struct {
	hosts  map[string]registry.Keychain
	others registry.Keychain
}

// Credential implements registry.Keychain.
func (k *perHost) Credential(ctx context.Context, host, repository string) (registry.Credential, error) {
	if own, ok := k.hosts[host]; ok {
		return own.Credential(ctx, host, repository)
	}
	return k.others.Credential(ctx, host, repository)
}

func proxy(p *config.Proxies) func(*http.Request) (*url.URL, error) {
	choose := (&httpproxy.Config{HTTPProxy: p.HTTP, HTTPSProxy: p.HTTPS, NoProxy: strings.Join(p.NoProxy, ",")}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}
