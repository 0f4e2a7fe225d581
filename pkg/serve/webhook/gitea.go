package webhook

import (
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// gitea reads the package events of Gitea and Forgejo. They write tags in lower
// case.
//
// https://docs.gitea.com/usage/webhooks
type gitea struct{ endpoint *config.Endpoint }

type giteaBody struct {
	Action  string `json:"action"`
	Package *struct {
		Owner struct {
			Login string `json:"login"`
		} `json:"owner"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Version   string `json:"version"`
		CreatedAt string `json:"created_at"`
	} `json:"package"`
}

// Decode reads one event.
func (s gitea) Decode(header http.Header, body []byte) (Delivery, error) {
	d := Delivery{Key: keyOfHeader(either(header, "X-Forgejo-Delivery", "X-Gitea-Delivery"), body)}
	switch either(header, "X-Forgejo-Event", "X-Gitea-Event") {
	case "":
		return Delivery{}, errShape
	case "package":
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	inner, err := payload(header, body)
	if err != nil {
		return Delivery{}, err
	}
	var b giteaBody
	if err := decode(inner, &b); err != nil {
		return Delivery{}, err
	}
	p := b.Package
	if p == nil {
		return Delivery{}, errShape
	}
	e := said{repository: strings.ToLower(p.Owner.Login + "/" + p.Name), at: timeOf(p.CreatedAt)}
	e.tag, e.digest = tagOrDigest(p.Version)
	switch {
	case p.Type != "container":
		d.ignore(NotAnImage)
		return d, nil
	case p.Owner.Login == "" || p.Name == "" || p.Version == "":
		return Delivery{}, errShape
	case b.Action == "created":
		e.action = Push
	case b.Action == "deleted":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	d.hint(s.endpoint, e)
	return d, nil
}

func either(header http.Header, names ...string) string {
	for _, name := range names {
		if v := header.Get(name); v != "" {
			return v
		}
	}
	return ""
}
