package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/intact-dev/intact/pkg/config"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const full = `schema: intact.config/v1
registries:
  - host: registry.acme.internal:5000
    ca: ca.pem
    realms: [auth.acme.example]
    privateAddresses: true
    signatureRepository: registry.acme.internal:5000/signatures
    credentials: {username: ci, passwordFile: secret}
  - {host: "localhost:5001", plainHTTP: true}
  - {host: index.docker.io, credentials: {from: docker}}
proxies: {http: "http://proxy.acme.internal:3128", https: "http://proxy.acme.internal:3128", noProxy: [.acme.internal]}
cache: {dir: cache}
ledger: {postgres: "postgres://db.acme.internal/intact"}
contexts:
  prod: {kind: kubernetes, cluster: prod-eu, kubeconfig: kube/config, context: admin@prod}
  node: {kind: containerd, address: "unix:///run/containerd/containerd.sock"}
`

func certificate(t testing.TB, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "acme"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func load(t testing.TB, text, ca string) (*config.Config, error) {
	t.Helper()
	files := fstest.MapFS{"etc/config.yaml": {Data: []byte(text)}, "etc/ca.pem": {Data: []byte(ca)}}
	return config.Load("etc/config.yaml", func(name string) ([]byte, error) { return fs.ReadFile(files, name) })
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c, err := load(t, full, certificate(t, now.AddDate(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "etc/config.yaml",
		Registries: []config.Registry{
			{
				Host: "registry.acme.internal:5000", CAFile: "etc/ca.pem", Realms: []string{"auth.acme.example"}, PrivateAddresses: true,
				SignatureRepository: "registry.acme.internal:5000/signatures",
				Credentials:         &config.Credentials{Username: "ci", PasswordFile: "etc/secret"},
			},
			{Host: "localhost:5001", PlainHTTP: true},
			{Host: "docker.io", Credentials: &config.Credentials{From: "docker"}},
		},
		Proxies: &config.Proxies{HTTP: "http://proxy.acme.internal:3128", HTTPS: "http://proxy.acme.internal:3128", NoProxy: []string{".acme.internal"}},
		Cache:   config.Cache{Dir: "etc/cache"},
		Ledger:  config.Ledger{Postgres: "postgres://db.acme.internal/intact"},
		Contexts: map[string]config.Context{
			"prod": {Kind: "kubernetes", Cluster: "prod-eu", Kubeconfig: "etc/kube/config", Context: "admin@prod"},
			"node": {Kind: "containerd", Cluster: "node", Address: "unix:///run/containerd/containerd.sock"},
		},
	}
	ignore := cmpopts.IgnoreUnexported(config.Registry{})
	if diff := cmp.Diff(want, c, ignore, cmpopts.IgnoreFields(config.Registry{}, "CA")); diff != "" {
		t.Error(diff)
	}
	if len(c.Registries[0].CA) != 1 || c.Registries[0].CA[0].Subject.CommonName != "acme" {
		t.Errorf("certificates: %v", c.Registries[0].CA)
	}
	if lint := c.Lint(now); lint != nil {
		t.Errorf("lint: %v", lint)
	}
	for host, want := range map[string]config.Registry{
		"docker.io": c.Registries[2], "index.docker.io": c.Registries[2], "quay.io": {Host: "quay.io"}, "localhost:5002": {Host: "localhost:5002"},
	} {
		if diff := cmp.Diff(want, c.Registry(host), ignore); diff != "" {
			t.Errorf("%s: %s", host, diff)
		}
	}
}

var place = regexp.MustCompile(`^etc/config\.yaml:\d+:\d+: `)

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	ca := certificate(t, now.AddDate(1, 0, 0))
	for _, row := range []struct{ name, old, new, want string }{
		{"unknown key", "privateAddresses: true", "privateAdresses: true", `:6:5: unknown key "privateAdresses"; did you mean "privateAddresses"?`},
		{"duplicate key", "cache: {dir: cache}", "cache: {dir: cache, dir: x}", `:12:21: duplicate key "dir"`},
		{"second document", "contexts:", "---\ncontexts:", `:14:1: a second document`},
		{"a policy", "intact.config/v1", "intact.policy/v1", `:1:9: "intact.policy/v1"; expected intact.config/v1`},
		{"a truth value in words", "plainHTTP: true", "plainHTTP: yes", `:9:41: the text "yes"; expected true or false`},
		{"host with a scheme", "host: registry.acme.internal:5000", "host: https://registry.acme.internal", `:3:11: "https://registry.acme.internal": a host has no scheme; leave out https://`},
		{"host with a path", "host: registry.acme.internal:5000", "host: registry.acme.internal/x", `a host has no path`},
		{"host with a star", "host: registry.acme.internal:5000", "host: '*.acme.internal'", `* is not supported`},
		{"host of nothing", "host: registry.acme.internal:5000", "host: 'a b'", `expected a host such as`},
		{"host twice", "localhost:5001", "registry.acme.internal:5000", `:9:12: "registry.acme.internal:5000" is there twice, first in registries[0]`},
		{"Docker Hub twice", "localhost:5001", "docker.io", `:10:12: "docker.io" is there twice`},
		{"no host", `{host: "localhost:5001", plainHTTP: true}`, "{plainHTTP: true}", `the key "host" is missing`},
		{"realm with a path", "auth.acme.example", "auth.acme.example/token", `:5:14: "auth.acme.example/token": a host has no path`},
		{"ca that is not there", "ca: ca.pem", "ca: other.pem", `:4:9: read certificates: open etc/other.pem`},
		{"ca that is none", "ca: ca.pem", "ca: config.yaml", `:4:9: "etc/config.yaml" holds no certificate`},
		{"ca over plain HTTP", "privateAddresses: true", "plainHTTP: true", `ca and plainHTTP: true`},
		{"signatures in a tag", "5000/signatures", "5000/signatures:x", `:7:26: "registry.acme.internal:5000/signatures:x": expected a repository without`},
		{"signatures nowhere", "registry.acme.internal:5000/signatures", "signatures", `it names no registry`},
		{"password in the file", "passwordFile: secret", "password: secret", `unknown key "password"; did you mean "passwordEnv"?`},
		{"name without a password", ", passwordFile: secret", "", `:8:18: expected username together with`},
		{"password without a name", "username: ci, ", "", `expected username together with`},
		{"two passwords", "passwordFile: secret", "passwordFile: secret, passwordEnv: X", `a file and a variable`},
		{"password and token", "passwordFile: secret", "passwordFile: secret, tokenEnv: X", `a password and a token`},
		{"built in and name", "from: docker", "from: docker, username: x, passwordEnv: X", `from and a username`},
		{"unknown helper", "from: docker", "from: ECR", `"ECR"; expected docker or ecr`},
		{"proxy without a scheme", `http: "http://proxy.acme.internal:3128"`, "http: proxy.acme.internal:3128", `:11:17: `},
		{"proxy with another scheme", `http: "http://`, `http: "ftp://`, `the scheme "ftp" is not supported`},
		{"two ledgers", "{postgres:", "{sqlite: x, postgres:", `:13:9: expected either sqlite or postgres`},
		{"password in the ledger", "postgres://db", "postgres://u:hunter2@db", `it holds a password`},
		{"cache off and on", "{dir: cache}", "{dir: cache, off: true}", `off: true and dir`},
		{"context of nothing", "kind: containerd", "kind: podman", `"podman"; expected kubernetes or docker or containerd`},
		{"address of kubernetes", "context: admin@prod", "address: unix:///x", `leave address out`},
		{"kubeconfig of containerd", "containerd, address", "containerd, context: x, address", `containerd has no kubeconfig`},
		{"bad address", "unix:///run", "http:///run", `expected an address such as unix:`},
		{"empty", full, "", `:1:1: the file is empty`},
		{"not YAML", "cache: {dir", "cache: {{dir", `:12:`},
	} {
		if !strings.Contains(full, row.old) {
			t.Fatalf("%s: the full config does not hold %q", row.name, row.old)
		}
		_, err := load(t, strings.Replace(full, row.old, row.new, 1), ca)
		if err == nil || !strings.Contains(err.Error(), row.want) || !place.MatchString(err.Error()) {
			t.Errorf("%s: got  %v\nwant %s", row.name, err, row.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a secret is repeated: %v", row.name, err)
		}
	}
	_, err := config.Load("x.yaml", func(string) ([]byte, error) { return nil, fs.ErrNotExist })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a config that is not there: %v", err)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	c, err := load(t, `schema: intact.config/v1
registries:
  - {host: registry.acme.internal, plainHTTP: true, credentials: {from: docker}}
  - {host: "127.0.0.1:5000", plainHTTP: true, privateAddresses: true}
  - {host: quay.io, realms: [quay.io], ca: ca.pem}
  - {host: ghcr.io}
`, certificate(t, now.AddDate(0, 0, -1)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Lint(now) {
		got = append(got, strings.TrimPrefix(p.String(), "etc/config.yaml:"))
	}
	want := []string{
		"3:5: registry.acme.internal: plain HTTP to another machine: everybody on the way sees what is asked",
		"3:5: registry.acme.internal: its credentials are not sent: no credential goes over plain HTTP except to loopback",
		"4:5: 127.0.0.1:5000: privateAddresses is not needed for a loopback registry",
		`5:5: quay.io: the certificate "CN=acme" of etc/ca.pem expired on 2026-11-22`,
		"5:5: quay.io: the realm quay.io is the registry itself and need not be listed",
		"6:5: ghcr.io: nothing is said about it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	b, err := config.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Required   []string
		Properties map[string]any
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Required) != 1 || len(s.Properties) != 7 {
		t.Errorf("required %v, %d properties", s.Required, len(s.Properties))
	}
}

func FuzzLoad(f *testing.F) {
	ca := certificate(f, now.AddDate(1, 0, 0))
	f.Add(full)
	f.Add("schema: intact.config/v1\nregistries: [{host: '[::1]:5000'}]\n")
	f.Add("schema: intact.config/v1\ncontexts: {a: {kind: docker}, a: {kind: docker}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(t, text, ca)
		if err != nil {
			return
		}
		c.Lint(now)
		for _, r := range c.Registries {
			if strings.ContainsAny(r.Host, "/@ \n") {
				t.Fatalf("host %q", r.Host)
			}
		}
	})
}
