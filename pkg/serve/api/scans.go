package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// wantScan wants a task of package judge.
func (h *Handler) wantScan(r *http.Request, _ query) (answer, error) {
	var asked v1.ScanRequest
	if err := readBody(r, &asked); err != nil {
		return answer{}, err
	}
	image, err := ref.Parse(asked.Reference)
	if err != nil {
		return answer{}, problem(http.StatusUnprocessableEntity, "%s", err)
	}
	repository, tag, err := named(image)
	if err != nil {
		return answer{}, err
	}
	if !h.o.Watched(repository) {
		return answer{}, problem(http.StatusUnprocessableEntity, "%q is no repository that this service watches; add it to serve.endpoints or serve.reconcile in its config", repository)
	}
	task, err := judge.Task(ref.Ref{Name: repository, Tag: tag}, "api "+callerOf(r.Context()).name)
	if err != nil {
		return answer{}, problem(http.StatusUnprocessableEntity, "%s", err)
	}
	if err := h.o.Queue.Want(r.Context(), task); err != nil {
		return answer{}, err
	}
	state, ok, err := h.o.Queue.State(r.Context(), task.Kind, task.Key)
	if err == nil && !ok {
		err = fmt.Errorf("the task %s %q is not there", task.Kind, task.Key)
	}
	if err != nil {
		return answer{}, err
	}
	out := scanOf(task.Key, state.Wanted, state, h.o.Now())
	h.o.Log.InfoContext(r.Context(), "a scan is asked for", "tag", task.Key, "by", callerOf(r.Context()).name)
	return answer{status: http.StatusAccepted, body: out, location: out.Status}, nil
}

// named returns the recorded name of a tag. A digest is refused: a task judges
// what a tag means, and records it.
func named(r ref.Ref) (repository, tag string, err error) {
	if r.Digest != "" {
		return "", "", problem(http.StatusUnprocessableEntity, "%q has a digest: the service judges what a tag means when it is asked; name registry/repository:tag, or run intact scan for an image by its digest", r)
	}
	repository, tag = ledger.Name(r)
	if err := ledger.CheckName(repository, tag); err != nil {
		return "", "", problem(http.StatusUnprocessableEntity, "%s", err)
	}
	return repository, tag, nil
}

// scan says how far one is.
func (h *Handler) scan(r *http.Request, q query) (answer, error) {
	repository, tag, err := named(q.ref)
	if err != nil {
		return answer{}, err
	}
	key, n := repository+":"+tag, q.numbers["number"]
	state, ok, err := h.o.Queue.State(r.Context(), judge.Kind, key)
	if err != nil {
		return answer{}, err
	}
	if !ok || n > state.Wanted {
		return answer{}, problem(http.StatusNotFound, "no such scan of %q is known, or not any more", key)
	}
	return answer{body: scanOf(key, n, state, h.o.Now())}, nil
}

// scanOf is the scan with that number. It is done only if nothing of its tag is
// due: a run that found the tag changed under it ends and is repeated at once.
func scanOf(key string, n int64, s jobs.State, now time.Time) v1.Scan {
	name := url.QueryEscape(key)
	out := v1.Scan{
		Reference: key, Number: n, State: v1.Waiting,
		Status:  v1.Prefix + "/scans?reference=" + name + "&number=" + number(n),
		Verdict: v1.Prefix + "/verdicts/latest?reference=" + name,
	}
	switch {
	case !s.Failed.IsZero() && s.Done < n:
		out.State = v1.Failed
		first, _, _ := strings.Cut(s.Error, "\n") // a panic has a stack
		out.Error = report.Escape(first)
	case s.Done >= n && (s.Due.IsZero() || s.Due.After(now)):
		out.State = v1.Done
	}
	return out
}

// readBody reads one JSON object into v. It is bounded, and members that are not
// known are refused.
func readBody(r *http.Request, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "expected Content-Type: application/json")
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return problem(http.StatusUnsupportedMediaType, "expected a body that is not compressed")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after the object")
		}
	}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", maxRequest)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "the body did not arrive within %s", bodyTime)
	}
	return problem(http.StatusBadRequest, "the body is not the JSON object that is expected: %.200s", report.Escape(err.Error()))
}
