package notify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Error says why a place was not told. It never shows the place's URL, nor a
// part of it.
type Error struct {
	Place  string
	Status int           // of the answer; 0 = there was none
	Retry  bool          // it may go well later
	After  time.Duration // not before that; 0 = the receiver did not say

	why   string
	cause error // of the context; nil else
}

// Error names the place and what went wrong.
func (e *Error) Error() string { return fmt.Sprintf("notify %q: %s", e.Place, e.why) }

// Unwrap returns why the context ended, if that was it.
func (e *Error) Unwrap() error { return e.cause }

// hide takes every part of p's URL out of s: errors of the network name the host,
// and a receiver may repeat what it was asked.
func (p Place) hide(s string) string {
	parts := []string{p.url.String(), p.url.RequestURI(), p.url.Host, p.url.Hostname(), p.url.RawQuery, p.url.User.String()}
	for _, text := range []string{p.url.EscapedPath(), p.url.Path} {
		parts = append(parts, text)
		parts = append(parts, strings.Split(text, "/")...)
	}
	for key, values := range p.url.Query() {
		parts = append(append(parts, key), values...)
	}
	if password, ok := p.url.User.Password(); ok {
		parts = append(parts, password, p.url.User.Username())
	}
	for _, part := range slices.Clone(parts) {
		parts = append(parts, url.QueryEscape(part), url.PathEscape(part))
	}
	if len(p.key) > 0 {
		parts = append(parts, string(p.key))
	}
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
	for _, part := range parts {
		// Shorter ones are no secrets, and would take words apart.
		if len(part) >= 6 {
			s = strings.ReplaceAll(s, part, ellipsis)
		}
	}
	return s
}
