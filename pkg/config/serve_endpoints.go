package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A sender is what one kind of endpoint can do.
type sender struct {
	auth     []string       // how it can prove who it is
	registry string         // the host if there is only one
	several  bool           // its bodies name the registry
	keys     *regexp.Regexp // of map; nil = it has none
}

var (
	anyKey     = lazy.Regexp(`^[^\s/]+$`)
	accountKey = lazy.Regexp(`^[0-9]{12}/[a-z0-9-]+$`)
	ecrHost    = lazy.Regexp(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|on\.aws|on\.amazonwebservices\.com\.cn)$`)
)

var (
	headers = []string{"header", "basic", "bearer", "path"}
	senders = map[string]sender{
		"distribution":      {auth: headers},
		"gitlab":            {auth: headers},
		"harbor":            {auth: headers},
		"dockerhub":         {auth: []string{"path"}, registry: "docker.io"},
		"github":            {auth: []string{"hmac"}, registry: "ghcr.io"},
		"quay":              {auth: []string{"path"}},
		"acr":               {auth: headers, several: true},
		"acr-eventgrid":     {auth: []string{"oidc", "path"}, several: true},
		"ecr":               {auth: []string{"header", "basic", "bearer", "oidc", "path"}, several: true, keys: accountKey()},
		"artifact-registry": {auth: []string{"oidc", "path"}, several: true},
		"artifactory":       {auth: []string{"hmac", "header"}, several: true, keys: anyKey()},
		"nexus":             {auth: []string{"hmac"}, several: true, keys: anyKey()},
		"zot":               {auth: headers},
		"gitea":             {auth: []string{"hmac"}},
		"forgejo":           {auth: []string{"hmac"}},
		"aliyun":            {auth: []string{"path"}, several: true},
		"generic":           {auth: []string{"hmac", "header", "basic", "bearer", "oidc", "path"}, several: true},
	}
)

// ECR returns the account and region of a registry of Amazon ECR: with and
// without FIPS, dual stack, and in China.
//
// https://docs.aws.amazon.com/general/latest/gr/ecr.html
func ECR(host string) (account, region string, ok bool) {
	m := ecrHost().FindStringSubmatch(host)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

func (l *loading) endpoints(docs []endpointDoc) []Endpoint {
	var out []Endpoint
	first := map[string]int{}
	for i, d := range docs {
		at := func(rest ...any) []any { return append([]any{"serve", "endpoints", i}, rest...) }
		if k, ok := first[d.Name]; ok && d.Name != "" {
			l.errorf(at("name"), "%q is there twice, first in endpoints[%d]", d.Name, k)
		}
		first[d.Name] = i
		kind, known := senders[d.Kind]
		if !known {
			continue // said by the decoder
		}
		e := Endpoint{Name: d.Name, Kind: d.Kind, MaxBody: d.MaxBody, pos: l.doc.Pos(at()...)}
		e.Registries = l.hosts(at, d, kind)
		var index int
		var err error
		if e.Repositories, index, err = policy.ParseRepositories(d.Repositories); err != nil {
			l.errorf(at("repositories", index), "%v", err)
		}
		for j, host := range e.Repositories.Hosts() {
			if host != "" && !slices.Contains(e.Registries, host) {
				l.errorf(at("repositories", j), "%q is at %s, which this endpoint does not speak for", d.Repositories[j], host)
			}
		}
		switch {
		case e.MaxBody == 0:
			e.MaxBody = DefaultMaxBody
		case e.MaxBody < 1024 || e.MaxBody > MaxMaxBody:
			l.errorf(at("maxBody"), "%d; expected 1024 to %d", e.MaxBody, MaxMaxBody)
		}
		e.Map = l.names(at, d, kind, e.Registries)
		e.Auth = l.auth(at("auth"), d, kind)
		out = append(out, e)
	}
	return out
}

func (l *loading) hosts(at func(...any) []any, d endpointDoc, kind sender) []string {
	texts, key := d.Registries, "registries"
	switch {
	case d.Registry != "" && d.Registries != nil:
		l.errorf(at("registries"), "registry and registries; expected one of them")
	case d.Registry != "":
		texts, key = []string{d.Registry}, "registry"
	case d.Registries == nil && kind.registry != "":
		texts = []string{kind.registry}
	case d.Registries == nil:
		l.errorf(at(), "no registry; name the host that images are pulled from")
	}
	if len(texts) > 1 && !kind.several {
		l.errorf(at("registries"), "%s does not say which registry it means; make an endpoint for each", d.Kind)
	}
	var out []string
	for j, text := range texts {
		where := at(key)
		if key == "registries" {
			where = at(key, j)
		}
		host, err := normalHost(text)
		switch {
		case err != nil:
			l.errorf(where, "%v", err)
		case !whole(host):
			l.errorf(where, "%q cannot be told from a part of a repository's name; add its port", host)
		case recorded(host) != nil:
			l.errorf(where, "%v", recorded(host))
		case kind.registry != "" && host != kind.registry && d.Kind == "dockerhub":
			l.errorf(where, "%q; Docker Hub is %s", host, kind.registry)
		case d.Kind == "ecr" && d.Map == nil && !ecrHost().MatchString(host):
			l.errorf(where, "%q holds no account and region; add map: {ACCOUNT/REGION: %s}", host, host)
		case slices.Contains(out, host):
			l.errorf(where, "%q is there twice", host)
		}
		out = append(out, host)
	}
	return out
}

// recorded says why nothing of a host could be kept: the ledger has one name for all
// ways to write a host, and what is watched is known by it.
func recorded(host string) error {
	name, _ := ledger.Name(ref.Ref{Name: host + "/x"})
	switch is, _, _ := strings.Cut(name, "/"); {
	case is == host:
		return nil
	case !whole(is):
		return fmt.Errorf("%q: without its port 443, as it is recorded, it cannot be told from a part of a repository's name; name it with a dot", host)
	default:
		return fmt.Errorf("%q: it is recorded as %s; write that", host, is)
	}
}

// names checks map: what images are called by the sender, and where they are
// pulled from.
func (l *loading) names(at func(...any) []any, d endpointDoc, kind sender, hosts []string) map[string]string {
	if d.Map != nil && kind.keys == nil {
		l.errorf(at("map"), "%s calls repositories what they are called; leave map out", d.Kind)
	}
	for key, to := range d.Map {
		if kind.keys != nil && !kind.keys.MatchString(key) {
			l.errorf(at("map", key), "the key %q; expected %s", key, map[bool]string{true: "ACCOUNT/REGION", false: "the name of a repository"}[d.Kind == "ecr"])
		}
		host, path, has := strings.Cut(to, "/")
		if !slices.Contains(hosts, host) {
			l.errorf(at("map", key), "%q does not begin with a registry of this endpoint", to)
		} else if _, err := repository(host + "/" + path + "x"); err != nil || has && (path == "" || strings.HasSuffix(path, "/")) {
			l.errorf(at("map", key), "%q; expected HOST or HOST/PATH", to)
		}
	}
	return d.Map
}

func (l *loading) auth(at []any, e endpointDoc, kind sender) Auth {
	d := e.Auth
	a := Auth{Type: d.Type, Header: d.Header, Username: d.Username, Issuer: d.Issuer, Audience: d.Audience, Email: d.Email, Subject: d.Subject}
	if d.Type == "" {
		return a // said by the decoder
	}
	if !slices.Contains(kind.auth, d.Type) {
		l.errorf(append(at, "type"), "%s cannot send that; expected %s", e.Kind, strings.Join(kind.auth, " or "))
	}
	if d.Type == "oidc" {
		if d.SecretFile+d.SecretEnv+d.PreviousFile+d.PreviousEnv != "" {
			l.errorf(at, "oidc has no secret; leave secretFile and secretEnv out")
		}
		if d.Issuer == "" || d.Audience == "" || d.Email == "" && d.Subject == "" {
			l.errorf(at, "oidc needs issuer and audience, and email or subject: else anybody with an account there could send")
		}
		l.secure(append(at, "issuer"), d.Issuer)
	} else {
		if d.Issuer+d.Audience+d.Email+d.Subject != "" {
			l.errorf(at, "issuer, audience, email and subject are of oidc")
		}
		a.Secret = l.secret(at, "secret", d.SecretFile, d.SecretEnv, true)
		a.Previous = l.secret(at, "previous", d.PreviousFile, d.PreviousEnv, false)
	}
	switch {
	case d.Type == "basic" && d.Username == "":
		l.errorf(at, "basic needs username")
	case d.Type != "basic" && d.Username != "":
		l.errorf(append(at, "username"), "username is of basic")
	}
	// Artifactory's header is its own, whichever way it proves itself.
	switch {
	case d.Type == "header" && d.Header == "" && e.Kind == "artifactory":
		a.Header = "X-JFrog-Event-Auth"
	case d.Type == "header" && d.Header == "":
		a.Header = "Authorization"
	case d.Type != "header" && d.Header != "":
		l.errorf(append(at, "header"), "header is of header; the others have theirs")
	}
	return a
}
