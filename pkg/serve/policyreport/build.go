package policyreport

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/report"
)

// A book is what is to be told of a cluster, of which each report is made when it
// is needed: together they are large.
type book struct {
	form   Form
	report *report.Report
	place  string // the name of the cluster in the report
	seen   *Seen
	images map[imageKey]*report.Image

	workloads map[id]string // the key of Seen.workloads
	targets   map[string][]int
}

// An id is where an object is.
type id struct{ namespace, name string }

// newBook sorts the targets of r by workload. place is the name of the cluster.
func newBook(form Form, r *report.Report, place string, seen *Seen) (*book, error) {
	b := &book{form: form, report: r, place: place, seen: seen, images: imagesOf(r), workloads: map[id]string{}, targets: map[string][]int{}}
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Inventory != place || t.Kind == report.KindGap || t.Kind == report.KindObject {
			continue
		}
		last := ""
		for o := range t.Origins.All() {
			if o.Where == last {
				continue
			}
			last = o.Where
			key, ok := strings.CutPrefix(o.Where, place+"/")
			w, known := seen.workloads[key]
			if !ok || !known {
				return nil, fmt.Errorf("make policy reports of %q: %q is no workload that was seen", place, o.Where)
			}
			if at := b.targets[key]; len(at) == 0 || at[len(at)-1] != i {
				b.targets[key] = append(at, i)
			}
			b.workloads[id{w.namespace, w.reportName()}] = key
		}
	}
	return b, nil
}

var objectName = lazy.Regexp(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// reportName is always the same for a workload. Kinds have no dash, so two
// workloads have two names; what makes no name of an object is hashed.
func (w workload) reportName() string {
	name := prefix + strings.ToLower(w.kind) + "-" + w.name
	if len(name) > 253 || !objectName().MatchString(name) || strings.Contains(name, "..") || strings.ContainsAny(w.kind, ".-") {
		sum := sha256.Sum256([]byte(w.kind + "/" + w.name))
		return fmt.Sprintf("%s%x", prefix, sum[:16])
	}
	return name
}

// document makes the report at an id of workloads.
func (b *book) document(at id) *document {
	key := b.workloads[at]
	w := b.seen.workloads[key]
	kind, _ := b.form.Kinds()
	d := b.blank(kind, at)
	d.Scope = &scope{APIVersion: w.apiVersion, Kind: w.kind, Namespace: w.namespace, Name: w.name, UID: w.uid}
	if w.uid != "" {
		// When the workload goes, Kubernetes removes what is told of it.
		d.Metadata.OwnerReferences = []owner{{w.apiVersion, w.kind, w.name, w.uid}}
	}
	var all []verdict
	for _, i := range b.targets[key] {
		all = append(all, resultsOf(b.report, &b.report.Targets[i], b.images)...)
	}
	// A pod that was not seen may be what is wrong with the workload.
	if what, hidden := b.seen.hides(w.namespace); hidden {
		all = append(all, failure("inventory", "there may be more containers than were seen: "+what))
	}
	d.fill(order(all))
	return d
}

// cluster is the report of what could not be seen of the cluster; nil = all was.
func (b *book) cluster() *document {
	var all []verdict
	for _, inv := range b.report.Inventories {
		if inv.Name != b.place {
			continue
		}
		for _, g := range inv.Gaps {
			v := failure("inventory", g.What+" could not be seen: "+g.Why)
			v.set("cause", string(g.Cause))
			v.set("fix", g.Hint)
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, kind := b.form.Kinds()
	d := b.blank(kind, id{name: prefix + "inventory"})
	d.fill(order(all))
	return d
}

func (b *book) blank(k Kind, at id) *document {
	p := b.report.Policy
	d := &document{APIVersion: k.APIVersion, Kind: k.Kind, Metadata: metadata{
		Name: at.name, Namespace: at.namespace, Labels: map[string]string{managedBy: source},
		Annotations: map[string]string{policyAnnotation: strings.TrimSpace(p.Name + " " + p.Digest)},
	}}
	if b.form == OpenReports {
		d.Source = source
	}
	return d
}

// largest is how many bytes of results a report has: etcd takes 1.5 MiB for an
// object.
const largest = 1 << 20

// fill puts results in. If they are too large those that matter least are left
// out, and that is said.
func (d *document) fill(all []verdict) {
	d.Summary, d.Results = summary{}, all
	size, fits := 0, map[int]bool{}
	for _, result := range []string{resultFail, resultError, resultWarn, resultPass, resultSkip} {
		for i, v := range all {
			if v.Result != result {
				continue
			}
			d.Summary.count(result)
			b, err := json.Marshal(v)
			if size += len(b) + 64; err == nil && size <= largest { // 64 is for the timestamp
				fits[i] = true
			}
		}
	}
	if left := len(all) - len(fits); left > 0 {
		d.Results = nil
		for i, v := range all {
			if fits[i] {
				d.Results = append(d.Results, v)
			}
		}
		d.Results = append(d.Results, failure("report", fmt.Sprintf("%d results do not fit into this report; the summary counts them", left)))
		d.Summary.count(resultError)
	}
	if d.Results == nil {
		d.Results = []verdict{}
	}
}

func (s *summary) count(result string) {
	switch result {
	case resultPass:
		s.Pass++
	case resultFail:
		s.Fail++
	case resultWarn:
		s.Warn++
	case resultSkip:
		s.Skip++
	default:
		s.Error++
	}
}

// same reports whether two reports say the same; when they said so first does not
// count, nor does what others added to labels and annotations.
func (d *document) same(other *document) bool {
	return d.Metadata.Annotations[policyAnnotation] == other.Metadata.Annotations[policyAnnotation] &&
		slices.Equal(d.Metadata.OwnerReferences, other.Metadata.OwnerReferences) && d.own() == other.own() &&
		d.Source == other.Source && d.Summary == other.Summary &&
		(d.Scope == nil) == (other.Scope == nil) && (d.Scope == nil || *d.Scope == *other.Scope) &&
		slices.EqualFunc(d.Results, other.Results, verdict.same)
}

func (v verdict) same(other verdict) bool {
	return compare(v, other) == 0 && v.Source == other.Source && v.Policy == other.Policy && v.Category == other.Category && v.Scored == other.Scored
}

// keep takes over of before what others put there, and its version: if that is not
// the last one any more the server refuses d.
func (d *document) keep(before *document) {
	with := func(ours, theirs map[string]string) map[string]string {
		all := maps.Clone(theirs)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, ours)
		return all
	}
	m := before.Metadata
	d.Metadata.ResourceVersion, d.Metadata.Finalizers = m.ResourceVersion, m.Finalizers
	d.Metadata.Labels, d.Metadata.Annotations = with(d.Metadata.Labels, m.Labels), with(d.Metadata.Annotations, m.Annotations)
}

// date says since when each result is told: that of before, if it was told there.
func (d *document) date(before *document, now timestamp) {
	for i := range d.Results {
		d.Results[i].Timestamp = &now
		if before == nil {
			continue
		}
		n, ok := slices.BinarySearchFunc(before.Results, d.Results[i], compare)
		if ok && before.Results[n].Timestamp != nil && before.Results[n].same(d.Results[i]) {
			d.Results[i].Timestamp = before.Results[n].Timestamp
		}
	}
}
