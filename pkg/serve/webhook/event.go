// Package webhook receives what registries say about pushes and deletions. An
// event is a hint to look and no more: what a tag points to is asked of the
// configured registry, never believed, and no URL of a body is ever fetched.
package webhook

import (
	"net/http"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// An Action is what happened to a repository.
type Action string

// Actions.
const (
	Push      Action = "push"
	Delete    Action = "delete"
	Signature Action = "signature" // pushed or deleted: a tag that holds a signature, an attestation or a list of referrers
	Other     Action = "other"     // of a sender that does not say what; to be looked at like a push
)

// An Event is a hint: look at this tag, digest or repository. All of it but
// Endpoint and Registry is the sender's word; names and digests have passed the
// grammar of references.
type Event struct {
	Endpoint   string     `json:"endpoint"`
	Action     Action     `json:"action"`
	Registry   string     `json:"registry"`            // a configured host
	Repository string     `json:"repository"`          // the path in it
	Tag        string     `json:"tag,omitempty"`       // "" = pushed by digest, or all of the repository
	Digest     ref.Digest `json:"digest,omitempty"`    // claimed; "" = not said
	Subject    ref.Digest `json:"subject,omitempty"`   // of Signature: what it is about, by its tag
	MediaType  string     `json:"mediaType,omitempty"` // claimed
	At         time.Time  `json:"at,omitzero"`         // claimed; zero = not said
}

// Ref returns the reference that e is about, with its tag and without the
// claimed digest.
func (e Event) Ref() ref.Ref { return ref.Ref{Name: e.Registry + "/" + e.Repository, Tag: e.Tag} }

// A Delivery is what one request brought.
type Delivery struct {
	Endpoint string
	// Key is the same for deliveries that are one: sent again by the sender or
	// replayed. It is safe as text of up to 130 characters. A decoder leaves it ""
	// if the body does not tell two pushes apart; the Handler then makes one up.
	Key      string
	Received time.Time
	Events   []Event
	// Ignored are why events, or parts of them, were left out.
	Ignored []Reason
	// Answer is a handshake's; such a delivery has no events.
	Answer []byte
	// Sent is when the delivery was made, where the sender says so each time anew.
	// Zero = not said.
	Sent time.Time
}

// A Decoder reads one sender's deliveries. The error is for bodies that are none
// of its; it repeats nothing of them. It may be used concurrently.
type Decoder interface {
	Decode(header http.Header, body []byte) (Delivery, error)
}

// A Reason is why something was counted: one of the constants, and never text of
// a request.
type Reason string

// Reasons of what was taken.
const (
	Accepted  Reason = "accepted"
	Duplicate Reason = "duplicate"
	Handshake Reason = "handshake"
	Nothing   Reason = "nothing" // authentic, and none of its events is of interest
)

// Reasons of events that were left out.
const (
	NotAPush        Reason = "not_a_push"       // pulls, scans, quotas, pings, …
	NotAnImage      Reason = "not_an_image"     // blobs, charts, other packages
	Failed          Reason = "failed"           // the sender says that it did not happen
	OtherRegistry   Reason = "other_registry"   // not configured for the endpoint
	OtherRepository Reason = "other_repository" // not configured for the endpoint
	InvalidName     Reason = "invalid_name"     // no repository or tag
	InvalidDigest   Reason = "invalid_digest"   // the hint was left out; the event only if it had no tag
	InvalidEvent    Reason = "invalid_event"    // one of several is not understood
)

// Reasons of refusals.
const (
	UnknownEndpoint Reason = "unknown_endpoint"
	BadMethod       Reason = "bad_method"
	BadType         Reason = "bad_content_type"
	Encoded         Reason = "content_encoding"
	TooLarge        Reason = "too_large"
	TooMany         Reason = "too_many_events"
	TooSlow         Reason = "too_slow"
	Cut             Reason = "cut_off"
	Malformed       Reason = "malformed"
	NoCredential    Reason = "no_credential"
	BadCredential   Reason = "bad_credential"
	Expired         Reason = "expired"
	Replayed        Reason = "replayed" // its signed time is out of the window
	NoKeys          Reason = "no_keys"  // the issuer's keys could not be had
	Busy            Reason = "busy"     // too many bytes are being received
	InboxFull       Reason = "inbox_full"
	InboxFailed     Reason = "inbox_failed"
	Unsupported     Reason = "no_deadline" // the server cannot bound slow bodies
)
