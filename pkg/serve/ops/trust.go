package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Trust is how it is with the trust root that keyless signatures are verified
// with.
type Trust struct {
	// Needed says that the policy names Sigstore's public root. Without, there is none
	// that could grow old.
	Needed bool
	// At is when the root in use was had from where it is published, and Expires when
	// what vouches for it ends. Zero = none was had yet.
	At, Expires time.Time
	Why         string   // it is not fresh, in short; "" = it is, or there is none
	Failed      string   // why none could be had, in short
	Notes       []string // about roots of the policy's own
}

// TrustPart is ready if no trust root is needed, or one is in use that has not
// expired: without it no keyless signature can be decided, and what was judged
// then is not judged again when there is one. Whoever sends an event tries again.
func TrustPart(look func() Trust, now func() time.Time) Part {
	return Part{
		Name: "trust root",
		Look: func(context.Context) (string, error) {
			switch t := look(); {
			case !t.Needed:
			case t.At.IsZero() && t.Failed != "":
				return "it cannot be had: " + t.Failed, nil
			case t.At.IsZero():
				return "it was not had yet", nil
			case !now().Before(t.Expires):
				return fmt.Sprintf("it is of %s and expired on %s", date(t.At), date(t.Expires)), nil
			}
			return "", nil
		},
		Note: func() string {
			t := look()
			var notes []string
			switch {
			case !t.Needed:
				notes = append(notes, "no rule of the policy needs the public one")
			case t.Why != "":
				notes = append(notes, fmt.Sprintf("it is of %s, and expires on %s: %s", date(t.At), date(t.Expires), t.Why))
			}
			return strings.Join(append(notes, t.Notes...), "; ")
		},
	}
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// WatchTrustRoot adds the age of the trust root, and when it ends. Where none is
// needed, or none was had, they are left out. It is called at most once.
func (m *Metrics) WatchTrustRoot(look func() Trust, now func() time.Time) {
	m.registry.MustRegister(&trustAge{look, now})
}

type trustAge struct {
	look func() Trust
	now  func() time.Time
}

var (
	trustDesc    = prometheus.NewDesc("intact_trust_root_age_seconds", "Since the trust root in use was had from where it is published.", nil, nil)
	trustEndDesc = prometheus.NewDesc("intact_trust_root_not_after_seconds", "When the trust root in use expires, in seconds since 1970.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (t *trustAge) Describe(c chan<- *prometheus.Desc) {
	c <- trustDesc
	c <- trustEndDesc
}

// Collect implements [prometheus.Collector].
func (t *trustAge) Collect(c chan<- prometheus.Metric) {
	now := t.look()
	if !now.Needed || now.At.IsZero() {
		return
	}
	c <- prometheus.MustNewConstMetric(trustDesc, prometheus.GaugeValue, t.now().Sub(now.At).Seconds())
	c <- prometheus.MustNewConstMetric(trustEndDesc, prometheus.GaugeValue, float64(now.Expires.Unix()))
}
