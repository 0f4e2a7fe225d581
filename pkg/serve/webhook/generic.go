package webhook

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ref"
)

// generic reads a small form of our own, for pipelines and for registries that
// are not known, alone or as the data of a CloudEvent in structured mode:
//
//	{"id": "…", "action": "push", "image": "HOST/PATH:TAG@DIGEST", "time": "…"}
//	{"events": [{…}, {…}]}
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type generic struct{ endpoint *config.Endpoint }

type genericBody struct {
	genericEvent
	Events list[genericEvent] `json:"events"`

	Version string          `json:"specversion"`
	Source  string          `json:"source"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
}

type genericEvent struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Image  string `json:"image"`
	Time   string `json:"time"`
}

// cloudTypes are the types of CloudEvents that are read; of others the data is
// not known.
var cloudTypes = map[string]Action{
	"dev.intact.image.push":   Push,
	"dev.intact.image.delete": Delete,
}

// Decode reads one event or several.
func (s generic) Decode(_ http.Header, body []byte) (Delivery, error) {
	var b genericBody
	if err := decode(body, &b); err != nil {
		return Delivery{}, err
	}
	var d Delivery
	switch {
	case b.Version != "":
		return s.cloud(b)
	case b.Events != nil:
		var ids []string
		for _, e := range b.Events {
			if e == nil {
				d.ignore(InvalidEvent)
				continue
			}
			ids = append(ids, e.key()...)
			s.event(&d, *e, e.action())
		}
		d.Key = keyOf(ids...)
	case b.Image == "":
		return Delivery{}, errShape
	default:
		s.event(&d, b.genericEvent, b.action())
		if d.Key = keyOf(b.key()...); d.Key == "" {
			d.Key = keyOfBody(body, timeOf(b.Time))
		}
	}
	return d, nil
}

func (s generic) cloud(b genericBody) (Delivery, error) {
	action, known := cloudTypes[b.Type]
	d := Delivery{Key: keyOf(b.Source, b.ID)}
	if !known {
		d.ignore(NotAPush)
		return d, nil
	}
	var e genericEvent
	if json.Unmarshal(b.Data, &e) != nil || e.Image == "" {
		return Delivery{}, errShape
	}
	if e.Time == "" {
		e.Time = b.Time
	}
	s.event(&d, e, action)
	return d, nil
}

func (e genericEvent) action() Action {
	switch e.Action {
	case "", "push":
		return Push
	case "delete":
		return Delete
	}
	return Other
}

// key is what an event is known by when it is sent again. A pipeline's run that
// pushes several images may have one id for all.
func (e genericEvent) key() []string { return []string{e.ID, string(e.action()), e.Image} }

func (s generic) event(d *Delivery, e genericEvent, action Action) {
	d.reference(s.endpoint, said{action: action, at: timeOf(e.Time)}, e.Image)
}

// reference is hint for what is called by a complete reference.
func (d *Delivery) reference(e *config.Endpoint, s said, image string) {
	// A digest that is none must not hide the tag before it.
	name, digest, _ := strings.Cut(image, "@")
	r, err := ref.Parse(name)
	if err != nil {
		d.ignore(InvalidName)
		return
	}
	s.host, s.repository, s.tag = r.Registry(), r.Repository(), r.Tag
	if s.digest == "" {
		s.digest = digest
	}
	d.hint(e, s)
}
