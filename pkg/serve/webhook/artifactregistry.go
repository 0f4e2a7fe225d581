package webhook

import (
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ref"
)

// artifactRegistry reads messages of the topic gcr that Pub/Sub pushes, wrapped
// or not.
//
// https://cloud.google.com/artifact-registry/docs/configure-notifications
type artifactRegistry struct{ endpoint *config.Endpoint }

type pubSubBody struct {
	Message *struct {
		Data        []byte `json:"data"` // in base64
		ID          string `json:"messageId"`
		PublishTime string `json:"publishTime"`
	} `json:"message"`
}

// Both names are complete references, and either may be missing.
type artifactMessage struct {
	Action string `json:"action"`
	Digest string `json:"digest"`
	Tag    string `json:"tag"`
}

// Decode reads one message.
func (s artifactRegistry) Decode(header http.Header, body []byte) (Delivery, error) {
	var outer pubSubBody
	if err := decode(body, &outer); err != nil {
		return Delivery{}, err
	}
	data, published := body, header.Get("X-Goog-Pubsub-Publish-Time")
	d := Delivery{Key: keyOfHeader(header.Get("X-Goog-Pubsub-Message-Id"), body)}
	if outer.Message != nil {
		data, published = outer.Message.Data, outer.Message.PublishTime
		d.Key = keyOf(outer.Message.ID)
	}
	var m artifactMessage
	// Sent again for days if it were refused, and never understood.
	if decode(data, &m) != nil || m.Digest == "" && m.Tag == "" {
		d.ignore(InvalidEvent)
		return d, nil
	}
	e := said{at: timeOf(published)}
	switch m.Action {
	case "INSERT":
		e.action = Push
	case "DELETE":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	name, digest, _ := strings.Cut(m.Digest, "@")
	e.digest = digest
	switch {
	case m.Tag == "":
		d.reference(s.endpoint, e, name)
	case m.Digest != "" && !sameRepository(name, m.Tag):
		d.ignore(InvalidEvent)
	default:
		d.reference(s.endpoint, e, m.Tag)
	}
	return d, nil
}

func sameRepository(name, tagged string) bool {
	a, errA := ref.Parse(name)
	b, errB := ref.Parse(tagged)
	return errA == nil && errB == nil && a.Canonical() == b.Canonical()
}
