package config

import (
	"maps"
	"net/url"
	"slices"
)

func (l *loading) proxies(p *Proxies) *Proxies {
	if p == nil {
		return nil
	}
	for _, proxy := range [][2]string{{"http", p.HTTP}, {"https", p.HTTPS}} {
		key, text := proxy[0], proxy[1]
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "":
			// The text is not repeated: it may hold a password.
			l.errorf([]any{"proxies", key}, "no URL; expected one such as http://proxy.example.com:3128")
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5":
			l.errorf([]any{"proxies", key}, "the scheme %q is not supported; expected http, https or socks5", u.Scheme)
		}
	}
	return p
}

func (l *loading) cache(c *Cache) Cache {
	if c == nil {
		return Cache{}
	}
	if c.Off && c.Dir != "" {
		l.errorf([]any{"cache"}, "off: true and dir; expected one of them")
	}
	return Cache{Dir: l.file(c.Dir), Off: c.Off}
}

func (l *loading) ledger(d *Ledger) Ledger {
	if d == nil {
		return Ledger{}
	}
	if (d.SQLite == "") == (d.Postgres == "") {
		l.errorf([]any{"ledger"}, "expected either sqlite or postgres")
	}
	if d.Postgres != "" {
		u, err := url.Parse(d.Postgres)
		if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
			l.errorf([]any{"ledger", "postgres"}, "no URL; expected one such as postgres://host/database")
		} else if _, has := u.User.Password(); has {
			l.errorf([]any{"ledger", "postgres"}, "it holds a password; give it by PGPASSWORD or PGPASSFILE")
		}
	}
	return Ledger{SQLite: l.file(d.SQLite), Postgres: d.Postgres}
}

func (l *loading) contexts(docs map[string]contextDoc) map[string]Context {
	var out map[string]Context
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		d := docs[name]
		at := []any{"contexts", name}
		switch {
		case d.Kind == "kubernetes" && d.Address != "":
			l.errorf(append(at, "address"), "kubernetes is reached by its kubeconfig; leave address out")
		case d.Kind != "kubernetes" && (d.Kubeconfig != "" || d.Context != ""):
			l.errorf(at, "%s has no kubeconfig; leave kubeconfig and context out", d.Kind)
		}
		if d.Address != "" {
			if u, err := url.Parse(d.Address); err != nil || u.Scheme != "unix" && u.Scheme != "tcp" || u.Host+u.Path == "" {
				l.errorf(append(at, "address"), "%q; expected an address such as unix:///run/containerd/containerd.sock", d.Address)
			}
		}
		if out == nil {
			out = map[string]Context{}
		}
		c := Context{Kind: d.Kind, Cluster: d.Cluster, Kubeconfig: l.file(d.Kubeconfig), Context: d.Context, Address: d.Address}
		if c.Cluster == "" {
			c.Cluster = name
		}
		out[name] = c
	}
	return out
}
