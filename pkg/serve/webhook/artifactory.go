package webhook

import (
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// artifactory reads JFrog Artifactory's events of the domain docker. Nothing in
// them tells two pushes of the same image apart, so none is taken for a
// duplicate.
//
// https://jfrog.com/help/r/jfrog-platform-administration-documentation/event-types
type artifactory struct{ endpoint *config.Endpoint }

type artifactoryBody struct {
	Domain string `json:"domain"`
	Type   string `json:"event_type"`
	Data   *struct {
		RepoKey string `json:"repo_key"`
		SHA256  string `json:"sha256"` // of the manifest
		Image   string `json:"image_name"`
		Tag     string `json:"tag"`
	} `json:"data"`
}

// Decode reads one event.
func (s artifactory) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b artifactoryBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	var d Delivery
	var e said
	switch {
	case b.Domain == "" || b.Type == "":
		return Delivery{}, errShape
	case b.Domain != "docker":
		d.ignore(NotAnImage)
		return d, nil
	case b.Type == "pushed", b.Type == "promoted":
		e.action = Push
	case b.Type == "deleted":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	if b.Data == nil || b.Data.RepoKey == "" || b.Data.Image == "" {
		return Delivery{}, errShape
	}
	host, path, reason := mapped(s.endpoint, b.Data.RepoKey, b.Data.RepoKey)
	if reason != "" {
		d.ignore(reason)
		return d, nil
	}
	e.repository = below(path, b.Data.Image)
	// What was pushed by digest lies in a folder of that name.
	if tag, _ := tagOrDigest(b.Data.Tag); !strings.HasPrefix(tag, "sha256__") {
		e.tag = tag
	}
	if b.Data.SHA256 != "" {
		e.digest = "sha256:" + b.Data.SHA256
	}
	d.hintAt(s.endpoint, host, e)
	return d, nil
}

// mapped is where images of the sender's repository key are pulled from: as map
// says, or, without one, below path at the only registry.
func mapped(e *config.Endpoint, key, path string) (host, under string, reason Reason) {
	if e.Map == nil {
		if len(e.Registries) != 1 {
			return "", "", OtherRegistry
		}
		return e.Registries[0], path, ""
	}
	to, ok := e.Map[key]
	if !ok {
		return "", "", OtherRepository
	}
	host, under, _ = strings.Cut(to, "/")
	return host, under, ""
}
