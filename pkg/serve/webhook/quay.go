package webhook

import (
	"net/http"

	"github.com/intact-dev/intact/pkg/config"
)

// quay reads Quay's repo_push notifications. A template of the operator's may
// replace the body: repository and updated_tags are needed. Nothing in it tells
// two pushes of one tag apart, so none is taken for a duplicate.
//
// https://docs.quay.io/guides/notifications.html
type quay struct{ endpoint *config.Endpoint }

type quayBody struct {
	Repository string       `json:"repository"`
	Tags       list[string] `json:"updated_tags"`
}

// Decode reads one notification.
func (s quay) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b quayBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Repository == "" {
		return Delivery{}, errShape
	}
	var d Delivery
	if b.Tags == nil {
		d.ignore(NotAPush) // a build, a vulnerability, …
	}
	for _, tag := range b.Tags {
		if tag == nil || *tag == "" {
			d.ignore(InvalidEvent)
			continue
		}
		d.hint(s.endpoint, said{action: Push, repository: b.Repository, tag: *tag})
	}
	return d, nil
}
