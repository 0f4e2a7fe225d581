package webhook

import (
	"net/http"

	"github.com/intact-dev/intact/pkg/config"
)

// nexus reads the component events of a repository of Sonatype Nexus. They have
// no digest.
//
// https://help.sonatype.com/en/webhooks.html
type nexus struct{ endpoint *config.Endpoint }

type nexusBody struct {
	Timestamp  string `json:"timestamp"`
	Repository string `json:"repositoryName"`
	Action     string `json:"action"`
	Component  *struct {
		Format  string `json:"format"`
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"component"`
}

// Decode reads one event. The time in it is signed, and it is sent once.
func (s nexus) Decode(header http.Header, body []byte) (Delivery, error) {
	var b nexusBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Repository == "" || b.Action == "" {
		return Delivery{}, errShape
	}
	at := timeOf(b.Timestamp)
	d := Delivery{Key: keyOfHeader(header.Get("X-Nexus-Webhook-Delivery"), body), Sent: at}
	e := said{at: at}
	switch {
	case b.Component == nil:
		d.ignore(NotAPush) // an asset
		return d, nil
	case b.Component.Format != "docker":
		d.ignore(NotAnImage)
		return d, nil
	case b.Action == "CREATED", b.Action == "UPDATED":
		e.action = Push
	case b.Action == "DELETED":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	host, path, reason := mapped(s.endpoint, b.Repository, "")
	if reason != "" {
		d.ignore(reason)
		return d, nil
	}
	e.repository = below(path, b.Component.Name)
	e.tag, e.digest = tagOrDigest(b.Component.Version)
	d.hintAt(s.endpoint, host, e)
	return d, nil
}
