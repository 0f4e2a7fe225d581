// Package client asks the API of intact serve. It resolves nothing by itself, and
// shows its token to the server that it was made for and to nobody else.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// A Client asks one server. It may be used concurrently.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	agent string
	most  int64
}

// Options of [New]; the zero value is fit for production.
type Options struct {
	HTTP      *http.Client // nil = one with timeouts
	UserAgent string       // "" = that of package net/http
	MaxAnswer int64        // bytes; 0 = 64 MiB: a report of a large image has some
}

// timeout of one question, with its answer.
const timeout = 60 * time.Second

// New returns the Client of the server at address, which is a URL such as
// https://intact.acme.example, with a path in front of /api/v1 if a proxy adds one.
// A token goes over plain HTTP only to this machine.
func New(address, token string, o Options) (*Client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("server: expected a URL such as https://intact.acme.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("server: expected a URL without a user, a query and a fragment; the token is given beside it")
	case token == "":
		return nil, fmt.Errorf("server %s: no token; set INTACT_SERVER_TOKEN", u.Host)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fmt.Errorf("server %s: the token has characters that no header has; look for line ends in INTACT_SERVER_TOKEN", u.Host)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("server %s: a token over plain HTTP can be read by others; use https", u.Host)
	}
	c := o.HTTP
	if c == nil {
		c = &http.Client{Timeout: timeout}
	}
	own := *c
	own.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("it redirects to %s; name that server if it is meant", r.URL.Host)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = maxAnswer
	}
	return &Client{base: u, token: token, http: &own, agent: o.UserAgent, most: o.MaxAnswer}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Problem is an answer of the server that is an error.
type Problem struct{ v1.Problem }

func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the server says %d %s", p.Status, p.Title)
	}
	return fmt.Sprintf("the server says %d %s: %s", p.Status, p.Title, p.Detail)
}

// NotFound reports whether err is that the server has no such thing.
func NotFound(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// Refused reports whether err is that the server has understood and says no: that
// it does not know the token, say, or does not watch the repository. The same
// question gets the same answer.
func Refused(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status/100 == 4 && p.Status != http.StatusRequestTimeout && p.Status != http.StatusTooManyRequests
}

// maxAnswer bounds an answer where nothing is said.
const maxAnswer = 64 << 20

// ask sends one request below /api/v1 and reads the answer into out.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values, in, out any) error {
	u := *c.base
	u.Path += v1.Prefix + path
	u.RawQuery = query.Encode()
	return c.send(ctx, method, &u, in, out)
}

func (c *Client) send(ctx context.Context, method string, u *url.URL, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return c.failed(method, u, err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return c.failed(method, u, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.agent != "" {
		r.Header.Set("User-Agent", c.agent)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		// The error of package net/http repeats method and URL.
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return c.failed(method, u, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, c.most+1))
	switch {
	case err != nil:
		return c.failed(method, u, fmt.Errorf("read the answer: %w", err))
	case int64(len(b)) > c.most:
		return c.failed(method, u, fmt.Errorf("the answer is longer than %d bytes", c.most))
	case resp.StatusCode/100 != 2:
		return c.failed(method, u, problemOf(resp, b))
	}
	if err := json.Unmarshal(b, out); err != nil {
		return c.failed(method, u, fmt.Errorf("the answer is not what this version reads: %w", err))
	}
	return nil
}

func (c *Client) failed(method string, u *url.URL, err error) error {
	return fmt.Errorf("ask server %s: %s %q: %w", c.base.Host, method, u.Path, err)
}

// problemOf reads an error; something in front of the server may have made it.
func problemOf(resp *http.Response, b []byte) error {
	p := &Problem{}
	if resp.Header.Get("Content-Type") == "application/problem+json" && json.Unmarshal(b, &p.Problem) == nil && p.Status == resp.StatusCode {
		return p
	}
	return &Problem{v1.Problem{Title: http.StatusText(resp.StatusCode), Status: resp.StatusCode, Detail: "that is no answer of the API; is the URL right?"}}
}
