package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A said is what a sender said of one thing that happened.
type said struct {
	action     Action
	host       string // "" = not said
	repository string
	tag        string
	digest     string
	mediaType  string
	at         time.Time
}

// hint adds what s says to d, if it is of interest to e.
func (d *Delivery) hint(e *config.Endpoint, s said) {
	host, ok := choose(e, s.host)
	if !ok {
		d.ignore(OtherRegistry)
		return
	}
	d.hintAt(e, host, s)
}

// hintAt is hint at a host that the config named.
func (d *Delivery) hintAt(e *config.Endpoint, host string, s said) {
	ev := Event{Endpoint: e.Name, Action: s.action, Registry: host, Repository: s.repository, Tag: s.tag, MediaType: mediaType(s.mediaType), At: s.at}
	name := ref.Ref{Name: host + "/" + s.repository}
	if !named(name, host, s.repository) || s.tag != "" && !tagged(name.Name, s.tag) {
		d.ignore(InvalidName)
		return
	}
	if !e.Repositories.Match(name.Canonical()) {
		d.ignore(OtherRepository)
		return
	}
	if s.digest != "" {
		digest, err := ref.ParseDigest(s.digest)
		if err != nil {
			d.ignore(InvalidDigest)
			if s.tag == "" {
				return
			}
		}
		ev.Digest = digest
	}
	if m := companion().FindStringSubmatch(s.tag); m != nil {
		ev.Action = Signature
		// An unknown algorithm leaves the subject open; the tag is still no image's.
		ev.Subject, _ = ref.ParseDigest(m[1] + ":" + m[2])
	}
	d.Events = append(d.Events, ev)
}

func (d *Delivery) ignore(r Reason) { d.Ignored = append(d.Ignored, r) }

// choose returns the configured registry that an event is about: a body chooses
// among those that are configured, and names none that is not.
func choose(e *config.Endpoint, host string) (string, bool) {
	if host == "" {
		return e.Registries[0], len(e.Registries) == 1
	}
	return host, slices.Contains(e.Registries, host)
}

// companion is the tag of what belongs to another image: cosign's signatures,
// attestations and SBOMs, and the list of referrers. A digest in them is cut to 64
// digits, and what has more is an image's.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
var companion = lazy.Regexp(`^(sha256|sha512)-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$`)

// maxRepository is what registries allow for the path in them.
//
// https://github.com/distribution/reference/blob/v0.6.0/reference.go
const maxRepository = 255

func named(name ref.Ref, host, repository string) bool {
	if len(repository) > maxRepository {
		return false
	}
	r, err := ref.Parse(name.Name)
	return err == nil && r.Tag == "" && r.Digest == "" && r.Registry() == host && r.Repository() == repository
}

func tagged(name, tag string) bool {
	r, err := ref.Parse(name + ":" + tag)
	return err == nil && r.Tag == tag && r.Name == name
}

var mediaTypeForm = lazy.Regexp(`^[a-z0-9][a-z0-9.+_-]*/[a-z0-9][a-z0-9.+_-]*$`)

func mediaType(s string) string {
	if len(s) > 128 || !mediaTypeForm().MatchString(s) {
		return ""
	}
	return s
}

// keyOf is the key of a delivery that the sender calls by ids; "" if one of them
// is missing.
func keyOf(ids ...string) string {
	if slices.Contains(ids, "") || len(ids) == 0 {
		return ""
	}
	return "id-" + sha256Of(strings.Join(ids, "\x00"))
}

// keyOfHeader is the key of a delivery whose id stands in a header. No signature
// covers it, so that alone it could hide another delivery.
func keyOfHeader(id string, body []byte) string { return keyOf(id, sha256Of(string(body))) }

// keyOfBody is the key where the body itself tells two pushes apart, by its time.
// A whole second is too coarse: who moves a tag away and back in one sends the same
// body again, and it is the last that counts.
func keyOfBody(body []byte, at time.Time) string {
	if at.Nanosecond() == 0 {
		return ""
	}
	return "body-" + sha256Of(string(body))
}

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// timeOf reads a time, zero if it is none or out of what can be stored.
func timeOf(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return sane(t)
		}
	}
	return time.Time{}
}

// seconds reads a time of Unix.
func seconds(n int64) time.Time {
	if n <= 0 || n > 1<<40 {
		return time.Time{}
	}
	return sane(time.Unix(n, 0))
}

func sane(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
