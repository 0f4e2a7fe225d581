// Package config reads intact.config/v1: how to reach registries and other
// places. It says nothing about what is right; that is the policy's. A config is
// named by the user or lies in the user's own config folder; it is never taken
// from what is scanned, which could send credentials elsewhere with it.
package config

import (
	"crypto/x509"
	"fmt"
	"path"
	"path/filepath"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A Config is plain data. The zero value is a config without anything special.
// It is not changed once loaded and may be used concurrently.
type Config struct {
	File       string // "" = none was read
	Registries []Registry
	Proxies    *Proxies // nil = as the environment says
	Cache      Cache
	Ledger     Ledger
	Contexts   map[string]Context
	Serve      *Serve // nil = nothing is said about it
}

// A Registry is what is special about one registry.
type Registry struct {
	Host                string // and port if any; docker.io for Docker Hub
	PlainHTTP           bool
	CAFile              string
	CA                  []*x509.Certificate // beside the system's
	Realms              []string            // hosts that may give out tokens for it
	PrivateAddresses    bool
	SignatureRepository string // canonical; "" = none
	Credentials         *Credentials

	pos strictyaml.Pos
}

// Credentials say how to log in to one registry. Secrets themselves are never in
// a config.
type Credentials struct {
	From         string `yaml:"from" enum:"docker|ecr|artifact-registry|acr|anonymous" doc:"docker: Docker's and Podman's files and helpers; the others are built in"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"passwordFile" doc:"a file that holds the password, relative to this one"`
	PasswordEnv  string `yaml:"passwordEnv" doc:"a variable of the environment that holds the password"`
	TokenFile    string `yaml:"tokenFile" doc:"a file that holds a bearer token, relative to this one"`
	TokenEnv     string `yaml:"tokenEnv" doc:"a variable of the environment that holds a bearer token"`
}

// Proxies are HTTP proxies by the scheme of what is fetched. "" = none.
type Proxies struct {
	HTTP    string   `yaml:"http" doc:"URL of the proxy for plain HTTP"`
	HTTPS   string   `yaml:"https" doc:"URL of the proxy for HTTPS"`
	NoProxy []string `yaml:"noProxy" doc:"hosts, .domains, addresses and CIDR ranges that are reached directly"`
}

// Cache is where facts about content are kept.
type Cache struct {
	Dir string `yaml:"dir" doc:"a folder, relative to this file"` // "" = the user's cache folder
	Off bool   `yaml:"off"`
}

// Ledger is where observations are kept: one of both, or none.
type Ledger struct {
	SQLite   string `yaml:"sqlite" doc:"a file, relative to this one"`
	Postgres string `yaml:"postgres" doc:"postgres://host/database; the password comes from PGPASSWORD or PGPASSFILE"`
}

// Where names the ledger as package store opens it; "" = there is none.
func (l Ledger) Where() string {
	if l.Postgres != "" {
		return l.Postgres
	}
	return l.SQLite
}

// A Context is a place where images run.
type Context struct {
	Kind       string // "kubernetes", "docker", "containerd"
	Cluster    string // the name that policies call it by
	Kubeconfig string // "" = the default one
	Context    string // "" = the kubeconfig's current one
	Address    string // "" = the default one
}

// File returns where a user's config lies below the user's config folder
// (os.UserConfigDir).
func File(userConfigDir string) string { return filepath.Join(userConfigDir, "intact", "config.yaml") }

// Registry returns what is special about host; of one that is not listed only
// Host is set.
func (c *Config) Registry(host string) Registry {
	if n, err := normalHost(host); err == nil {
		host = n
	}
	for _, r := range c.Registries {
		if r.Host == host {
			return r
		}
	}
	return Registry{Host: host}
}

// Load reads the config file and the certificates that it names with read, which
// should stop at a limit. Errors in the text of the file are of type
// [strictyaml.Errors]; others wrap what read returned. Names of files in the
// result are relative as file is.
func Load(file string, read func(name string) ([]byte, error)) (*Config, error) {
	data, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("load config %q: %w", file, err)
	}
	var d document
	doc, err := strictyaml.Decode(file, data, &d)
	if err != nil {
		return nil, err
	}
	l := &loading{doc: doc, dir: path.Dir(filepath.ToSlash(file)), read: read}
	c := &Config{File: file}
	c.Registries = l.registries(d.Registries)
	c.Proxies = l.proxies(d.Proxies)
	c.Cache = l.cache(d.Cache)
	c.Ledger = l.ledger(d.Ledger)
	c.Contexts = l.contexts(d.Contexts)
	c.Serve = l.serve(d.Serve, c)
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

type loading struct {
	doc  *strictyaml.Document
	dir  string
	read func(string) ([]byte, error)
	errs strictyaml.Errors
}

func (l *loading) errorf(at []any, format string, args ...any) {
	l.errs = append(l.errs, l.doc.Errorf(at, format, args...))
}

// file is name as seen from where the config's own name is relative to.
func (l *loading) file(name string) string {
	if name == "" || filepath.IsAbs(name) || path.IsAbs(name) {
		return name
	}
	return path.Join(l.dir, filepath.ToSlash(name))
}
