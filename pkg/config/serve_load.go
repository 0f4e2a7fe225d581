package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

func (l *loading) serve(d *serveDoc, c *Config) *Serve {
	if d == nil {
		return nil
	}
	s := &Serve{
		Listen: d.Listen, Policy: l.file(d.Policy), Grace: d.Grace.or(DefaultGrace), Limits: l.limits(d.Limits),
		pos: l.doc.Pos("serve"),
	}
	if s.Listen == "" {
		s.Listen = DefaultListen
	} else if _, port, err := net.SplitHostPort(s.Listen); err != nil {
		l.errorf([]any{"serve", "listen"}, "%q; expected host:port such as 0.0.0.0:8443", s.Listen)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		l.errorf([]any{"serve", "listen"}, "%q: the port is no number from 0 to 65535", s.Listen)
	}
	if d.TLS != nil {
		s.Certificate, s.Key = l.file(d.TLS.Certificate), l.file(d.TLS.Key)
	}
	s.Endpoints = l.endpoints(d.Endpoints)
	s.Reconcile = l.reconcile(d.Reconcile)
	for i, w := range d.Watch {
		at := []any{"serve", "watch", i}
		known, ok := c.Contexts[w.Context]
		switch {
		case !ok:
			l.errorf(append(at, "context"), "%q is none of the contexts of this file", w.Context)
		case w.PolicyReports != "" && known.Kind != "kubernetes":
			l.errorf(append(at, "policyReports"), "%q is of kind %s; policy reports are written into kubernetes", w.Context, known.Kind)
		}
		s.Watch = append(s.Watch, Watch{w.Context, l.every(append(at, "every"), w.Every, 15*time.Minute), w.PolicyReports})
	}
	s.Notify = l.notify(d.Notify)
	s.API = l.api(d.API)
	s.Attest = l.attest(d.Attest)
	if k := d.Keep; k != nil {
		s.Keep = Keep{k.Reports.Duration, k.Verdicts.Duration, k.Happenings.Duration}
	}
	return s
}

// or returns d, or what holds where nothing is said.
func (d duration) or(otherwise time.Duration) time.Duration {
	if d.set {
		return d.Duration
	}
	return otherwise
}

// every is how often something that asks others is done.
func (l *loading) every(at []any, d duration, otherwise time.Duration) time.Duration {
	v := d.or(otherwise)
	if v < time.Second {
		l.errorf(at, "%s is too often; expected 1s or more", v)
	}
	return v
}

func (l *loading) reconcile(d *reconcileDoc) *Reconcile {
	if d == nil {
		return nil
	}
	at := func(rest ...any) []any { return append([]any{"serve", "reconcile"}, rest...) }
	r := &Reconcile{Every: l.every(at("every"), d.Every, time.Hour)}
	if d.Registries == nil && d.Repositories == nil {
		l.errorf(at(), "expected registries, repositories or both")
	}
	for i, text := range d.Registries {
		host, err := normalHost(text)
		if err == nil {
			err = recorded(host)
		}
		if err != nil {
			l.errorf(at("registries", i), "%v", err)
		}
		r.Registries = append(r.Registries, host)
	}
	for i, text := range d.Repositories {
		name, err := repository(text)
		if err == nil {
			host, _, _ := strings.Cut(name, "/")
			err = recorded(host)
		}
		if err != nil {
			l.errorf(at("repositories", i), "%v", err)
		}
		r.Repositories = append(r.Repositories, name)
	}
	return r
}

func (l *loading) limits(d *limitsDoc) Limits {
	out := defaultLimits
	if d == nil {
		return out
	}
	for _, row := range []struct {
		key   string
		value int64
		set   func(int64)
	}{
		{"inbox", int64(d.Inbox), func(n int64) { out.Inbox = int(n) }},
		{"workers", int64(d.Workers), func(n int64) { out.Workers = int(n) }},
		{"bodyMemory", d.BodyMemory, func(n int64) { out.BodyMemory = n }},
		{"notifications", int64(d.Notifications), func(n int64) { out.Notifications = int(n) }},
	} {
		if row.value < 0 {
			l.errorf([]any{"serve", "limits", row.key}, "%d; expected 1 or more", row.value)
		} else if row.value > 0 {
			row.set(row.value)
		}
	}
	out.BodyTime = l.every([]any{"serve", "limits", "bodyTime"}, d.BodyTime, out.BodyTime)
	return out
}

// secret checks that it is in one place. name is of its keys: secretFile and
// secretEnv.
func (l *loading) secret(at []any, name, file, env string, required bool) Secret {
	switch {
	case file != "" && env != "":
		l.errorf(at, "%sFile and %sEnv; expected one of them", name, name)
	case required && file == "" && env == "":
		l.errorf(at, "no secret; expected %sFile or %sEnv", name, name)
	}
	return Secret{l.file(file), env}
}

// String says where the secret is.
func (s Secret) String() string {
	switch {
	case s.File != "":
		return "file " + strconv.Quote(s.File)
	case s.Env != "":
		return "variable " + strconv.Quote(s.Env)
	}
	return "nowhere"
}

// secure checks a URL that tokens are trusted from or sent to.
func (l *loading) secure(at []any, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Host)) {
		l.errorf(at, "expected an https URL such as https://accounts.example.com, without a user and a query")
	}
}

// whole reports whether host reads as a registry in front of a repository.
func whole(host string) bool {
	r, err := ref.Parse(host + "/x")
	return err == nil && r.Registry() == host && !slices.Contains([]string{"index.docker.io", ""}, host)
}
