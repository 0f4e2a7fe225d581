package policyreport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/report"
)

// Objects are those of one kind, in an API server. An error that is an answer has
// a method Status with its HTTP code.
type Objects interface {
	// List gives each object with the labels of a selector to each. One may come
	// twice.
	List(ctx context.Context, selector string, each func(raw []byte) error) error
	// Send does to one object what an HTTP method says: GET, POST (which makes it),
	// PUT or DELETE. It may happen more than once.
	Send(ctx context.Context, method, namespace, name string, body []byte) ([]byte, error)
}

// A Writer writes the reports of one cluster. One pass at a time uses it.
type Writer struct {
	Form  Form
	Place string // the name of the cluster in reports of scans
	// Reports and ClusterReports are the objects of Form.Kinds.
	Reports, ClusterReports Objects
}

// Counts are numbers of reports, by what became of them.
type Counts struct{ Written, Unchanged, Removed, Failed int }

// tries is how often a report is read and changed that somebody else changes, too.
const tries = 4

// givenUp is after how many reports that could not be written the others are not
// tried.
const givenUp = 10

// Write makes the reports in the cluster those of r, in which seen was looked at.
// What is right there already is not written. Reports of workloads that are gone
// are removed, but not if some of the cluster was not seen. The error is what
// happened first, and the same if it happens again; all that could be done was.
func (w *Writer) Write(ctx context.Context, r *report.Report, seen *Seen, now time.Time) (Counts, error) {
	p := &pass{now: timestamp{Seconds: now.Unix()}, whole: seen.whole()}
	b, err := newBook(w.Form, r, w.Place, seen)
	if err != nil {
		return Counts{Failed: 1}, err
	}
	reports, clusterReports := w.Form.Kinds()
	want := slices.SortedFunc(maps.Keys(b.workloads), func(x, y id) int {
		return cmp.Or(cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.name, y.name))
	})
	p.write(ctx, w.Reports, reports, want, b.document)
	// This is about the whole cluster, so that nothing of it is ever unseen.
	p.whole, want = true, nil
	all := b.cluster()
	if all != nil {
		want = append(want, id{name: all.Metadata.Name})
	}
	p.write(ctx, w.ClusterReports, clusterReports, want, func(id) *document { return all.clone() })
	return p.Counts, p.first
}

// clone is for what is dated.
func (d *document) clone() *document {
	c := *d
	c.Results = slices.Clone(d.Results)
	return &c
}

// A pass is one Write.
type pass struct {
	Counts
	now   timestamp
	whole bool
	first error // what went wrong first
}

func (p *pass) failed(err error) {
	p.Failed++
	if p.first == nil {
		p.first = err
	}
}

// A listed is what is kept of a report that is to be removed.
type listed struct {
	id
	uid, resourceVersion string
}

// write makes the objects of a kind those of want.
func (p *pass) write(ctx context.Context, objects Objects, kind Kind, want []id, build func(id) *document) {
	there, changed, gone, err := p.list(ctx, objects, want, build)
	if err != nil {
		if status(err) == http.StatusNotFound {
			err = fmt.Errorf("the cluster has no %s (%s): install the definitions of that API, or take policyReports out of the config: %w", kind.Name, kind.APIVersion, err)
		}
		p.failed(err)
		return
	}
	before := p.Failed
	for _, at := range want {
		switch {
		case ctx.Err() != nil:
			p.failed(fmt.Errorf("write %s: %w", kind.Name, context.Cause(ctx)))
			return
		case p.Failed-before >= givenUp:
			return // the first error is told; the others would be like it
		case !there[at]:
			p.create(ctx, objects, at, build)
		case changed[at]:
			p.change(ctx, objects, at, build)
		}
	}
	for _, g := range gone {
		p.remove(ctx, objects, g)
	}
}

// list finds out which reports are there, which of them are to be changed, and
// which are of nothing that is there any more.
func (p *pass) list(ctx context.Context, objects Objects, want []id, build func(id) *document) (there, changed map[id]bool, gone []listed, err error) {
	wanted := map[id]bool{}
	for _, at := range want {
		wanted[at] = true
	}
	there, changed = map[id]bool{}, map[id]bool{}
	err = objects.List(ctx, selector, func(raw []byte) error {
		d, err := parse(raw)
		if err != nil {
			return err
		}
		at := id{d.Metadata.Namespace, d.Metadata.Name}
		switch {
		case there[at] || !d.own() || !strings.HasPrefix(at.name, prefix):
		case !wanted[at] && p.whole:
			gone = append(gone, listed{at, d.Metadata.UID, d.Metadata.ResourceVersion})
		case !wanted[at]:
		case d.same(build(at)):
			p.Unchanged++
		default:
			changed[at] = true
		}
		there[at] = true
		return nil
	})
	return there, changed, gone, err
}

// parse reads a report. One that another program changed into something else is
// to be changed back, so that all that is asked is a name.
func parse(raw []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		var only struct {
			Metadata metadata `json:"metadata"`
		}
		if json.Unmarshal(raw, &only) != nil || only.Metadata.Name == "" {
			return nil, fmt.Errorf("read a report: %w", err)
		}
		d = document{Metadata: only.Metadata}
	}
	return &d, nil
}

func (p *pass) create(ctx context.Context, objects Objects, at id, build func(id) *document) {
	d := build(at)
	d.date(nil, p.now)
	body, err := json.Marshal(d)
	if err == nil {
		_, err = objects.Send(ctx, http.MethodPost, at.namespace, at.name, body)
	}
	switch {
	case err == nil:
		p.Written++
	case ending(err): // with the namespace all of this goes
	case status(err) == http.StatusConflict: // it is there: another's, or ours by now
		p.change(ctx, objects, at, build)
	default:
		p.failed(err)
	}
}

// ending reports that there is no namespace, or not for long.
func ending(err error) bool {
	s := status(err)
	return s == http.StatusNotFound || (s == http.StatusForbidden || s == http.StatusConflict) && strings.Contains(err.Error(), "because it is being terminated")
}

// change reads a report and writes it as it should be. If somebody is faster it
// is read again.
func (p *pass) change(ctx context.Context, objects Objects, at id, build func(id) *document) {
	var last error
	for range tries {
		raw, err := objects.Send(ctx, http.MethodGet, at.namespace, at.name, nil)
		if status(err) == http.StatusNotFound {
			return // the workload was removed, and Kubernetes its report
		}
		var was *document
		if err == nil {
			was, err = parse(raw)
		}
		if err != nil {
			p.failed(err)
			return
		}
		d := build(at)
		switch {
		case !was.own():
			p.failed(fmt.Errorf("write report %q of namespace %q: there is one of that name that has no label %s: it is left as it is", at.name, at.namespace, selector))
			return
		case was.same(d):
			p.Unchanged++
			return
		}
		d.date(was, p.now)
		d.keep(was)
		body, err := json.Marshal(d)
		if err == nil {
			_, err = objects.Send(ctx, http.MethodPut, at.namespace, at.name, body)
		}
		switch {
		case err == nil:
			p.Written++
			return
		case status(err) == http.StatusNotFound:
			return
		case status(err) != http.StatusConflict:
			p.failed(err)
			return
		}
		last = err
	}
	p.failed(fmt.Errorf("%w; %d times: something else writes it, too", last, tries))
}

// remove removes a report as it was seen.
func (p *pass) remove(ctx context.Context, objects Objects, g listed) {
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": map[string]string{"uid": g.uid, "resourceVersion": g.resourceVersion},
	})
	if err == nil {
		_, err = objects.Send(ctx, http.MethodDelete, g.namespace, g.name, body)
	}
	switch status(err) {
	case http.StatusNotFound: // it is
	case http.StatusConflict: // it changed meanwhile; the next time it is seen anew
	default:
		if err != nil {
			p.failed(err)
			return
		}
		p.Removed++
	}
}

// status is the HTTP code of an error; 0 = it has none.
func status(err error) int {
	var s interface{ Status() int }
	if errors.As(err, &s) {
		return s.Status()
	}
	return 0
}
