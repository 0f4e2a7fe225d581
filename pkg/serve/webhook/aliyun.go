package webhook

import (
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// aliyun reads the push triggers of Alibaba Cloud Container Registry. Their time is
// of a second and without a zone: none is taken for a duplicate.
//
// https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks
type aliyun struct{ endpoint *config.Endpoint }

type aliyunBody struct {
	Push *struct {
		Digest string `json:"digest"`
		Tag    string `json:"tag"`
	} `json:"push_data"`
	Repository struct {
		Name   string `json:"repo_full_name"`
		Region string `json:"region"`
	} `json:"repository"`
}

// Decode reads one push.
func (s aliyun) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b aliyunBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Push == nil || b.Push.Tag == "" || b.Repository.Name == "" {
		return Delivery{}, errShape
	}
	var d Delivery
	host, ok := s.host(b.Repository.Region)
	if !ok {
		d.ignore(OtherRegistry)
		return d, nil
	}
	d.hintAt(s.endpoint, host, said{action: Push, repository: b.Repository.Name, tag: b.Push.Tag, digest: b.Push.Digest})
	return d, nil
}

// host is the only registry, or of several the only one in the region.
func (s aliyun) host(region string) (string, bool) {
	if len(s.endpoint.Registries) == 1 {
		return s.endpoint.Registries[0], true
	}
	var found []string
	for _, r := range s.endpoint.Registries {
		if strings.Contains(r, "."+region+".") {
			found = append(found, r)
		}
	}
	if len(found) != 1 || region == "" {
		return "", false
	}
	return found[0], true
}
