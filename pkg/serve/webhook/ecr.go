package webhook

import (
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// ecr reads events of Amazon ECR that EventBridge sends to an API destination.
//
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
type ecr struct{ endpoint *config.Endpoint }

type ecrBody struct {
	ID         string `json:"id"`
	DetailType string `json:"detail-type"`
	Source     string `json:"source"`
	Account    string `json:"account"`
	Region     string `json:"region"`
	Time       string `json:"time"`
	Detail     struct {
		Result     string `json:"result"`
		Repository string `json:"repository-name"`
		Digest     string `json:"image-digest"`
		Action     string `json:"action-type"`
		Tag        string `json:"image-tag"`
		MediaType  string `json:"manifest-media-type"`
	} `json:"detail"`
}

// Decode reads one event.
func (s ecr) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b ecrBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.DetailType == "" || b.Source == "" {
		return Delivery{}, errShape
	}
	d := Delivery{Key: keyOf(b.ID)}
	e := said{repository: b.Detail.Repository, tag: b.Detail.Tag, digest: b.Detail.Digest, mediaType: b.Detail.MediaType, at: timeOf(b.Time)}
	switch {
	case b.Source != "aws.ecr" || b.DetailType != "ECR Image Action":
		d.ignore(NotAPush) // scans, replication, pull through cache
		return d, nil
	case b.Detail.Result != "SUCCESS":
		d.ignore(Failed)
		return d, nil
	case b.Detail.Action == "PUSH":
		e.action = Push
	case b.Detail.Action == "DELETE":
		e.action = Delete
	default:
		d.ignore(NotAPush)
		return d, nil
	}
	host, path, ok := s.place(b.Account, b.Region)
	if !ok {
		d.ignore(OtherRegistry)
		return d, nil
	}
	e.repository = below(path, e.repository)
	d.hintAt(s.endpoint, host, e)
	return d, nil
}

// place is where images of an account and region are pulled from: the event does
// not name the host.
func (s ecr) place(account, region string) (host, path string, ok bool) {
	if to, ok := s.endpoint.Map[account+"/"+region]; ok {
		host, path, _ = strings.Cut(to, "/")
		return host, path, true
	}
	for _, r := range s.endpoint.Registries {
		if a, g, ok := config.ECR(r); ok && a == account && g == region {
			return r, "", true
		}
	}
	return "", "", false
}

// below joins the path of a map and a repository.
func below(path, repository string) string {
	if path == "" {
		return repository
	}
	return path + "/" + repository
}
