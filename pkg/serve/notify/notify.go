// Package notify tells places what happened: it makes one HTTP request of a
// [happening.Happening], for Slack and what accepts the same, for Microsoft Teams,
// or as a CloudEvent, and plans what is told one by one and what is folded. It
// keeps nothing: retries and what was told belong to whoever calls it.
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A Kind is a form of request.
type Kind string

// Kinds of places.
const (
	// Slack is an incoming webhook of Slack; Mattermost and Rocket.Chat accept the
	// same.
	//
	// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
	Slack Kind = "slack"
	// Teams is a webhook of Microsoft Teams' Workflows, which takes an Adaptive Card.
	//
	// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
	Teams Kind = "teams"
	// CloudEvents is a CloudEvent 1.0 in structured JSON.
	//
	// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
	CloudEvents Kind = "cloudevents"
)

// A Place is told what happens. Its URL is a secret: no way to print a Place
// shows it. The zero value is no place; make one with [NewPlace].
type Place struct {
	name string
	kind Kind
	url  *url.URL
	key  []byte // of CloudEvents: signs; nil = unsigned
}

// NewPlace checks what a config says of a place. plain are hosts (host or
// host:port) that may be spoken to without TLS; this machine always may. A secret
// is for CloudEvents, "" = unsigned; one that begins with "whsec_" is base64, as
// Standard Webhooks writes secrets. The error does not show the URL.
func NewPlace(name string, kind Kind, address, secret string, plain []string) (Place, error) {
	p := Place{name: name, kind: kind}
	if !slices.Contains([]Kind{Slack, Teams, CloudEvents}, kind) {
		return Place{}, fmt.Errorf("place %q: unknown kind %q: there is slack, teams and cloudevents", name, kind)
	}
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case strings.TrimSpace(address) == "":
		return Place{}, fmt.Errorf("place %q: its URL is empty", name)
	case err != nil: // which quotes the URL
		return Place{}, fmt.Errorf("place %q: its URL cannot be parsed", name)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "":
		return Place{}, fmt.Errorf("place %q: its URL is no web address: write https://HOST/…", name)
	case u.Scheme == "http" && !loopback(u.Hostname()) && !slices.ContainsFunc(plain, func(h string) bool {
		return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname())
	}):
		return Place{}, fmt.Errorf("place %q: its URL is without TLS: write https, or list its host as plain HTTP", name)
	}
	u.Fragment = ""
	p.url = u
	if secret != "" && kind != CloudEvents {
		return Place{}, fmt.Errorf("place %q: a secret, which a place of kind %s has no use for", name, kind)
	}
	if p.key, err = signingKey(secret); err != nil {
		return Place{}, fmt.Errorf("place %q: %w", name, err)
	}
	return p, nil
}

// errors of a secret do not show it.
var errSecret = errors.New("its secret begins with whsec_ and is no base64 after that")

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Name is what the config calls p.
func (p Place) Name() string { return p.name }

// Mark is another one for another URL, and shows nothing of it.
func (p Place) Mark() string {
	sum := sha256.Sum256([]byte(p.url.String()))
	return hex.EncodeToString(sum[:8])
}

// Kind is the form of p's requests.
func (p Place) Kind() Kind { return p.kind }

// String names p without its URL.
func (p Place) String() string { return fmt.Sprintf("place %q", p.name) }

// Format prints p without its URL, whatever the verb.
func (p Place) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue is p without its URL.
func (p Place) LogValue() slog.Value { return slog.StringValue(p.name) }
