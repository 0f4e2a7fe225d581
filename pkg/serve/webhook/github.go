package webhook

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// gitHub reads GitHub's events of packages. Signatures and attestations cause
// none there.
//
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#registry_package
type gitHub struct{ endpoint *config.Endpoint }

type gitHubBody struct {
	Action   string         `json:"action"`
	Package  *gitHubPackage `json:"package"`
	Registry *gitHubPackage `json:"registry_package"`
}

type gitHubPackage struct {
	Name      string `json:"name"`
	Type      string `json:"package_type"`
	Ecosystem string `json:"ecosystem"`
	Owner     struct {
		Login string `json:"login"`
	} `json:"owner"`
	Version *struct {
		Version   string          `json:"version"`
		Name      string          `json:"name"`
		Container json.RawMessage `json:"container_metadata"`
		UpdatedAt string          `json:"updated_at"`
	} `json:"package_version"`
}

// Decode reads one event.
func (s gitHub) Decode(header http.Header, body []byte) (Delivery, error) {
	d := Delivery{Key: keyOfHeader(header.Get("X-GitHub-Delivery"), body)}
	switch header.Get("X-GitHub-Event") {
	case "":
		return Delivery{}, errShape
	case "package", "registry_package":
	default:
		d.ignore(NotAPush) // ping, for one
		return d, nil
	}
	inner, err := payload(header, body)
	if err != nil {
		return Delivery{}, err
	}
	var b gitHubBody
	if err := decode(inner, &b); err != nil {
		return Delivery{}, err
	}
	p := b.Package
	if p == nil {
		p = b.Registry
	}
	switch {
	case p == nil || p.Name == "" || p.Owner.Login == "":
		return Delivery{}, errShape
	case !p.image():
		d.ignore(NotAnImage)
		return d, nil
	case b.Action != "published" && b.Action != "updated":
		d.ignore(NotAPush)
		return d, nil
	}
	// Logins have upper case, references do not.
	e := said{action: Push, repository: strings.ToLower(p.Owner.Login + "/" + p.Name)}
	if p.Version != nil {
		e.tag, e.digest = p.names()
		e.at = timeOf(p.Version.UpdatedAt)
	}
	d.hint(s.endpoint, e)
	return d, nil
}

// image reports whether p is one. The type is written in several ways, and wrong
// in some of GitHub's own examples.
func (p *gitHubPackage) image() bool {
	kind := strings.ToLower(p.Type)
	return kind == "container" || kind == "docker" || strings.EqualFold(p.Ecosystem, "docker") || strings.EqualFold(p.Ecosystem, "container") ||
		p.Version != nil && len(p.Version.Container) > 0 && string(p.Version.Container) != "null"
}

// names: the version is a digest, and the tag, if there is one, stands in the
// metadata. Old packages have the tag for their version.
func (p *gitHubPackage) names() (tag, digest string) {
	for _, v := range []string{p.Version.Version, p.Version.Name} {
		if strings.Contains(v, ":") {
			digest = v
			break
		}
	}
	var m struct {
		Tag struct {
			Name string `json:"name"`
		} `json:"tag"`
	}
	if json.Unmarshal(p.Version.Container, &m) == nil && m.Tag.Name != "" {
		return m.Tag.Name, digest
	}
	if digest == "" {
		tag = p.Version.Version
	}
	return tag, digest
}
