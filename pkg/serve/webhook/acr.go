package webhook

import (
	"net/http"

	"github.com/intact-dev/intact/pkg/config"
)

// acr reads the webhooks of Azure Container Registry. Deleting a tag sends none.
//
// https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
type acr struct{ endpoint *config.Endpoint }

type acrBody struct {
	ID        string             `json:"id"`
	Timestamp string             `json:"timestamp"`
	Action    string             `json:"action"`
	Target    distributionTarget `json:"target"`
	Request   struct {
		Host string `json:"host"`
	} `json:"request"`
}

// Decode reads one webhook.
func (s acr) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b acrBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Action == "" {
		return Delivery{}, errShape
	}
	d := Delivery{Key: keyOf(b.ID)}
	switch b.Action {
	case "push":
		b.hint(&d, s.endpoint, Push)
	case "delete":
		b.hint(&d, s.endpoint, Delete)
	case "chart_push", "chart_delete":
		d.ignore(NotAnImage)
	default:
		d.ignore(NotAPush) // ping, quarantine
	}
	return d, nil
}

// hint: one registry has its own webhook, and what its clients call it does not
// matter; the host chooses among several.
func (b acrBody) hint(d *Delivery, e *config.Endpoint, action Action) {
	t := b.Target
	s := said{action: action, repository: t.Repository, tag: t.Tag, digest: t.Digest, mediaType: t.MediaType, at: timeOf(b.Timestamp)}
	if len(e.Registries) > 1 {
		if s.host = b.Request.Host; s.host == "" {
			d.ignore(OtherRegistry)
			return
		}
	}
	d.hint(e, s)
}
