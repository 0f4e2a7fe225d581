package webhook

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/intact-dev/intact/pkg/config"
)

// dockerHub reads Docker Hub's webhooks, which tell of pushes only. Their
// callback_url is never called: anybody can write one.
//
// https://docs.docker.com/docker-hub/repos/manage/webhooks/
type dockerHub struct{ endpoint *config.Endpoint }

type dockerHubBody struct {
	Push *struct {
		Tag       string          `json:"tag"`
		PushedAt  json.RawMessage `json:"pushed_at"` // seconds, as 1417566161 or 1.417566161e+09
		MediaType json.RawMessage `json:"media_type"`
	} `json:"push_data"`
	Repository struct {
		Name string `json:"repo_name"`
	} `json:"repository"`
}

// Decode reads one push.
func (s dockerHub) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b dockerHubBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	if b.Push == nil || b.Push.Tag == "" || b.Repository.Name == "" {
		return Delivery{}, errShape
	}
	var d Delivery
	at := time.Time{}
	if f, err := strconv.ParseFloat(string(b.Push.PushedAt), 64); err == nil && f > 0 && f < 1<<40 {
		at = seconds(int64(f)) // too coarse to tell two pushes apart
	}
	d.hint(s.endpoint, said{action: Push, repository: b.Repository.Name, tag: b.Push.Tag, mediaType: text(b.Push.MediaType), at: at})
	return d, nil
}

// text is what raw says if it is a text: where another type is no fault.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
