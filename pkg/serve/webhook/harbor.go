package webhook

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/config"
)

// harbor reads Harbor's webhooks: the default form, that of 1.x, and
// CloudEvents in structured mode.
//
// https://goharbor.io/docs/2.13.0/working-with-projects/project-configuration/configure-webhooks/
type harbor struct{ endpoint *config.Endpoint }

type harborBody struct {
	Type     string          `json:"type"`
	OccurAt  json.RawMessage `json:"occur_at"`
	Data     *harborData     `json:"event_data"`
	Version  string          `json:"specversion"`
	ID       string          `json:"id"`
	Source   string          `json:"source"`
	Time     string          `json:"time"`
	CloudOne *harborData     `json:"data"`
}

type harborData struct {
	Resources  list[harborResource] `json:"resources"`
	Repository struct {
		Name string `json:"repo_full_name"`
	} `json:"repository"`
	Retention *struct {
		Project string              `json:"project_name"`
		Deleted list[harborDeleted] `json:"deleted_artifact"`
	} `json:"retention"`
}

type harborResource struct {
	Digest string `json:"digest"`
	Tag    string `json:"tag"`
}

type harborDeleted struct {
	Status  string `json:"status"`
	NameTag string `json:"name_tag"`
}

// Decode reads one webhook.
func (s harbor) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b harborBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Type == "" {
		return Delivery{}, errShape // Slack's form, for one
	}
	var d Delivery
	data, at := b.Data, time.Time{}
	if b.Version != "" {
		data, at = b.CloudOne, timeOf(b.Time)
		// The id is unique in its source.
		d.Key = keyOf(b.Source, b.ID)
	} else {
		var n int64
		if json.Unmarshal(b.OccurAt, &n) == nil {
			at = seconds(n) // too coarse to tell two pushes apart
		}
	}
	switch b.Type {
	case "PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed":
		return s.resources(d, data, Push, at)
	case "DELETE_ARTIFACT", "deleteImage", "harbor.artifact.deleted":
		return s.resources(d, data, Delete, at)
	case "TAG_RETENTION", "harbor.tag_retention.finished":
		return s.retention(d, data, at)
	}
	d.ignore(NotAPush)
	return d, nil
}

func (s harbor) resources(d Delivery, data *harborData, action Action, at time.Time) (Delivery, error) {
	if data == nil || data.Resources == nil || data.Repository.Name == "" {
		return Delivery{}, errShape
	}
	for _, r := range data.Resources {
		if r == nil {
			d.ignore(InvalidEvent)
			continue
		}
		// What was pushed by digest has it in the place of its tag.
		tag := r.Tag
		if strings.Contains(tag, ":") {
			tag = ""
		}
		d.hint(s.endpoint, said{action: action, repository: data.Repository.Name, tag: tag, digest: r.Digest, at: at})
	}
	return d, nil
}

// retention: each name is below the project, with a tag.
func (s harbor) retention(d Delivery, data *harborData, at time.Time) (Delivery, error) {
	if data == nil || data.Retention == nil || data.Retention.Project == "" {
		return Delivery{}, errShape
	}
	for _, a := range data.Retention.Deleted {
		switch {
		case a == nil:
			d.ignore(InvalidEvent)
		case !strings.EqualFold(a.Status, "SUCCESS"):
			d.ignore(Failed)
		default:
			name, tag, _ := strings.Cut(a.NameTag, ":")
			d.hint(s.endpoint, said{action: Delete, repository: data.Retention.Project + "/" + name, tag: tag, at: at})
		}
	}
	return d, nil
}
