package webhook

import (
	"net/http"

	"github.com/intact-dev/intact/pkg/config"
)

// distribution reads the notifications of CNCF Distribution and of GitLab's
// registry.
//
// https://distribution.github.io/distribution/about/notifications/
type distribution struct{ endpoint *config.Endpoint }

type distributionBody struct {
	Events list[distributionEvent] `json:"events"`
}

type distributionEvent struct {
	ID        string             `json:"id"`
	Timestamp string             `json:"timestamp"`
	Action    string             `json:"action"`
	Target    distributionTarget `json:"target"`
}

type distributionTarget struct {
	MediaType  string `json:"mediaType"`
	Digest     string `json:"digest"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
}

// Decode reads one envelope. An event in it that is not understood is left out
// and no error: the sender would send the whole envelope again for ever, and
// nothing that comes after it.
func (s distribution) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b distributionBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Events == nil {
		return Delivery{}, errShape
	}
	var d Delivery
	var ids []string
	for _, e := range b.Events {
		if e == nil {
			d.ignore(InvalidEvent)
			continue
		}
		ids = append(ids, e.ID)
		action, reason := e.action()
		if reason != "" {
			d.ignore(reason)
			continue
		}
		t := e.Target
		d.hint(s.endpoint, said{action: action, repository: t.Repository, tag: t.Tag, digest: t.Digest, mediaType: t.MediaType, at: timeOf(e.Timestamp)})
	}
	d.Key = keyOf(ids...)
	return d, nil
}

// action says what happened, or why it is of no interest.
func (e *distributionEvent) action() (Action, Reason) {
	switch e.Action {
	case "push", "mount":
		// Blobs notify, too.
		if e.Target.Tag == "" && !manifestTypes[e.Target.MediaType] {
			return "", NotAnImage
		}
		return Push, ""
	case "delete":
		// Of a manifest, a tag or a whole repository: what is missing tells which.
		return Delete, ""
	}
	return "", NotAPush
}

var manifestTypes = map[string]bool{
	"application/vnd.docker.distribution.manifest.v1+json":      true,
	"application/vnd.docker.distribution.manifest.v1+prettyjws": true,
	"application/vnd.docker.distribution.manifest.v2+json":      true,
	"application/vnd.docker.distribution.manifest.list.v2+json": true,
	"application/vnd.oci.image.manifest.v1+json":                true,
	"application/vnd.oci.image.index.v1+json":                   true,
	"application/vnd.oci.artifact.manifest.v1+json":             true,
}
