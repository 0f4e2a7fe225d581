package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
)

// eventGrid reads events of Azure Container Registry that Azure Event Grid
// delivers, in its own schema and as CloudEvents, alone or in batches.
//
// https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
type eventGrid struct{ endpoint *config.Endpoint }

type gridEvent struct {
	ID        string          `json:"id"`
	EventType string          `json:"eventType"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data"`
}

const validationType = "Microsoft.EventGrid.SubscriptionValidationEvent"

var validationCode = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]{1,256}$`)

// Decode reads events, or the question whether we want any.
func (s eventGrid) Decode(header http.Header, body []byte) (Delivery, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' {
		body = append(append([]byte{'['}, body...), ']')
	}
	var events list[gridEvent]
	if err := decode(body, &events); err != nil {
		return Delivery{}, err
	}
	if len(events) == 1 && events[0] != nil && events[0].kind() == validationType {
		return validation(events[0])
	}
	if header.Get("Aeg-Event-Type") == "SubscriptionValidation" || len(events) == 0 {
		return Delivery{}, errShape
	}
	var d Delivery
	var ids []string
	for _, e := range events {
		if e == nil {
			d.ignore(InvalidEvent)
			continue
		}
		ids = append(ids, e.ID)
		s.event(&d, e)
	}
	d.Key = keyOf(ids...)
	return d, nil
}

func (e *gridEvent) kind() string {
	if e.EventType != "" {
		return e.EventType
	}
	return e.Type
}

func (s eventGrid) event(d *Delivery, e *gridEvent) {
	var action Action
	// Event Grid's own samples leave the prefix out.
	switch strings.TrimPrefix(e.kind(), "Microsoft.ContainerRegistry.") {
	case "ImagePushed":
		action = Push
	case "ImageDeleted":
		action = Delete
	case "ChartPushed", "ChartDeleted":
		d.ignore(NotAnImage)
		return
	default:
		d.ignore(NotAPush)
		return
	}
	var b acrBody
	if json.Unmarshal(e.Data, &b) != nil {
		d.ignore(InvalidEvent)
		return
	}
	b.hint(d, s.endpoint, action)
}

// validation answers with the code. validationUrl is not asked for: it is of the
// body.
//
// https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
func validation(e *gridEvent) (Delivery, error) {
	var data struct {
		Code string `json:"validationCode"`
	}
	if json.Unmarshal(e.Data, &data) != nil || !validationCode.MatchString(data.Code) {
		return Delivery{}, errShape
	}
	answer, err := json.Marshal(map[string]string{"validationResponse": data.Code})
	if err != nil {
		return Delivery{}, errShape
	}
	return Delivery{Answer: answer}, nil
}
