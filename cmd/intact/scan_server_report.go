package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// reportOf reads the report of a verdict, which must be about r and nothing else:
// a pass of another image is none.
func reportOf(r ref.Ref, v v1.Verdict) (*report.Report, error) {
	if len(v.Report) == 0 {
		return nil, errors.New("its report is not kept")
	}
	out, err := report.Read(v.Report)
	if err != nil {
		return nil, err
	}
	name, tag := ledger.Name(r)
	want := name + ":" + tag
	if r.Digest != "" {
		if tag = ""; r.Tag != "" {
			name += ":" + r.Tag
		}
		want = name + "@" + string(r.Digest)
	}
	repository, _ := ledger.Name(r)
	switch {
	case v.Repository != repository || v.Tag != tag:
		return nil, fmt.Errorf("it is of %s:%s", v.Repository, v.Tag)
	case r.Digest != "" && v.Digest != r.Digest:
		return nil, fmt.Errorf("it is of %s", v.Digest)
	case len(out.Targets) != 1 || out.Targets[0].Ref != want:
		return nil, fmt.Errorf("its report is not of %s alone", want)
	}
	t := out.Targets[0]
	out.Verdict = policy.Worst(out.Verdict, v.Decision)
	if out.Verdict.Refuses() {
		return out, nil // whatever it is of: wrong bytes have another digest
	}
	switch {
	case t.Image == "" || t.Image != v.Digest:
		return nil, fmt.Errorf("it allows %s, and its report is of %q", v.Digest, t.Image)
	case len(out.Images) != 1 || out.Images[0].ID != v.Digest || out.Images[0].Image != repositoryOf(repository)+"@"+string(v.Digest):
		return nil, fmt.Errorf("it allows %s, and its report has not that image alone", v.Digest)
	}
	return out, nil
}

// withUnjudged puts a report in the place of each that is missing, of an image that
// nobody judged, and returns why: a report that leaves it out looks like a pass.
func withUnjudged(images []ref.Ref, reports []*report.Report, errs []error) (failed []error) {
	// Reports of one answer are by one policy, as of one time.
	like := report.Report{Schema: report.Schema, Tool: report.Tool{Name: "intact", Version: toolVersion()}, Evaluated: time.Now().UTC().Truncate(24 * time.Hour)}
	if i := slices.IndexFunc(reports, func(r *report.Report) bool { return r != nil }); i >= 0 {
		like.Tool, like.Policy, like.Evaluated = reports[i].Tool, reports[i].Policy, reports[i].Evaluated
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		failed = append(failed, err)
		cause := fact.Internal
		switch {
		case errors.Is(err, errNoTag):
			cause = fact.NotFound
		case errors.Is(err, context.DeadlineExceeded):
			cause = fact.Deadline
		case errors.Is(err, syscall.ECONNREFUSED):
			cause = fact.Network
		}
		r := like
		r.Verdict, r.Images = policy.Undecided, []report.Image{}
		r.Targets = []report.Target{report.Unjudged(images[i].String(), "not judged by the server: "+err.Error(), cause)}
		reports[i] = &r
	}
	return failed
}

// repositoryOf is how reports write a repository.
func repositoryOf(name string) string { return ref.Ref{Name: name}.Canonical() }
