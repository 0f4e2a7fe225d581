package webhook

import (
	"net/http"

	"github.com/intact-dev/intact/pkg/config"
)

// zot reads Zot's events: CloudEvents in binary mode, whose attributes are
// headers.
//
// https://zotregistry.dev/latest/articles/events/
type zot struct{ endpoint *config.Endpoint }

type zotBody struct {
	Name      string `json:"name"`
	Reference string `json:"reference"` // a tag or a digest
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
}

// Decode reads one event.
func (s zot) Decode(header http.Header, body []byte) (Delivery, error) {
	d := Delivery{Key: keyOfHeader(header.Get("Ce-Id"), body)}
	e := said{at: timeOf(header.Get("Ce-Time"))}
	switch header.Get("Ce-Type") {
	case "":
		return Delivery{}, errShape
	case "zotregistry.image.updated":
		e.action = Push
	case "zotregistry.image.deleted":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	var b zotBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Name == "" || b.Reference == "" && b.Digest == "" {
		return Delivery{}, errShape
	}
	e.repository, e.mediaType = b.Name, b.MediaType
	e.tag, e.digest = tagOrDigest(b.Reference)
	if b.Digest != "" {
		e.digest = b.Digest
	}
	d.hint(s.endpoint, e)
	return d, nil
}
