package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// eventSize is what everybody who passes CloudEvents on must take.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#size-limits
const eventSize = 64 << 10

// TypePrefix stands before the type of a happening in a CloudEvent.
const TypePrefix = "dev.intact."

// An event is a CloudEvent in JSON.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type event struct {
	SpecVersion string              `json:"specversion"`
	ID          string              `json:"id"`
	Source      string              `json:"source"`
	Type        string              `json:"type"`
	Subject     string              `json:"subject,omitempty"`
	Time        string              `json:"time,omitempty"`
	ContentType string              `json:"datacontenttype"`
	Data        happening.Happening `json:"data"`
}

// eventBody is the event of h. Data is h as the API gives it, not escaped for
// people; only lines are cut if it were too large.
func eventBody(h happening.Happening, source string) ([]byte, error) {
	e := event{
		SpecVersion: "1.0", ID: eventID(h.ID), Source: source, Type: TypePrefix + string(h.Type),
		Subject: attribute(h.Subject, maxSubject), ContentType: "application/json", Data: h,
	}
	if !h.At.IsZero() {
		e.Time = h.At.UTC().Format(time.RFC3339Nano)
	}
	if h.ID == "" || !utf8.ValidString(h.ID) {
		return nil, fmt.Errorf("a happening with the ID %q has no place in a CloudEvent", clip(h.ID, longestID))
	}
	lines := h.Lines
	for {
		b, err := json.Marshal(e)
		if err != nil || len(b) <= eventSize {
			return b, err
		}
		if len(lines) == 0 {
			return nil, fmt.Errorf("an event has %d bytes without its lines, more than the %d that CloudEvents may have", len(b), eventSize)
		}
		lines = lines[:len(lines)-1-len(lines)/4]
		e.Data.Lines = append(lines[:len(lines):len(lines)], moreLines(len(h.Lines)-len(lines)))
	}
}

// longestID bounds the ID of an event, which receivers keep in columns and headers.
const longestID = 256

// eventID is the ID of a happening in an event. Names of images make some longer
// than that, and who chooses a name must not choose that nobody hears of it.
func eventID(id string) string {
	if len(id) <= longestID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "long-" + hex.EncodeToString(sum[:])
}

// The headers by which a receiver knows who sent a CloudEvent, as Standard
// Webhooks has them: the signature is "v1," and the base64 of an HMAC-SHA256 over
// ID, ".", timestamp, "." and the body as it came. The timestamp is in seconds,
// of this attempt; the ID is the event's and the same in every attempt.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

func sign(header http.Header, key []byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// signingKey is the key of a secret as it is written.
func signingKey(secret string) ([]byte, error) {
	text, coded := strings.CutPrefix(secret, "whsec_")
	switch {
	case secret == "":
		return nil, nil
	case !coded:
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, errSecret
	}
	return key, nil
}
