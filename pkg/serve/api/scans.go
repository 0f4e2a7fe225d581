package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
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
	image, err = named(image)
	if err != nil {
		return answer{}, err
	}
	if repository := image.Name; !h.o.Watched(repository) {
		return answer{}, problem(http.StatusUnprocessableEntity, "%q is no repository that this service watches; add it to serve.endpoints or serve.reconcile in its config", repository)
	}
	task, err := judge.Ask(image, "api "+callerOf(r.Context()).name, h.o.Now())
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
	out, err := h.scanOf(r, image, task.Key, state.Wanted, state)
	if err != nil {
		return answer{}, err
	}
	h.o.Log.InfoContext(r.Context(), "a scan is asked for", "reference", task.Key, "by", callerOf(r.Context()).name)
	return answer{status: http.StatusAccepted, body: out, location: out.Status}, nil
}

// named returns r by its recorded name. Without a digest it has a tag; with one it
// has that which was written.
func named(r ref.Ref) (ref.Ref, error) {
	repository, tag := ledger.Name(r)
	if err := ledger.CheckName(repository, tag); err != nil {
		return ref.Ref{}, problem(http.StatusUnprocessableEntity, "%s", err)
	}
	if r.Digest != "" {
		tag = r.Tag
	}
	return ref.Ref{Name: repository, Tag: tag, Digest: r.Digest}, nil
}

// scan says how far one is.
func (h *Handler) scan(r *http.Request, q query) (answer, error) {
	image, err := named(q.ref)
	if err != nil {
		return answer{}, err
	}
	key, n := image.String(), q.numbers["number"]
	state, ok, err := h.o.Queue.State(r.Context(), judge.Kind, key)
	if err != nil {
		return answer{}, err
	}
	if !ok || n > state.Wanted {
		return answer{}, problem(http.StatusNotFound, "no such scan of %q is known, or not any more", key)
	}
	out, err := h.scanOf(r, image, key, n, state)
	return answer{body: out}, err
}

// scanOf is the scan with that number. It is done only if nothing of its tag is
// due: a run that found the tag changed under it ends and is repeated at once.
func (h *Handler) scanOf(r *http.Request, image ref.Ref, key string, n int64, s jobs.State) (v1.Scan, error) {
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
	case s.Done >= n && (s.Due.IsZero() || s.Due.After(h.o.Now())):
		out.State = v1.Done
		var err error
		if out.VerdictID, err = h.answers(r.Context(), image, key, n); err != nil {
			return out, err
		}
		if out.VerdictID != 0 {
			out.Verdict = v1.Prefix + "/verdicts/" + number(out.VerdictID)
		}
	}
	return out, nil
}

// answers returns the newest verdict of a task that a wish with the number n or a
// later one led to; 0 if there is none.
func (h *Handler) answers(ctx context.Context, image ref.Ref, key string, n int64) (int64, error) {
	f := store.VerdictFilter{Repository: image.Name, Tag: image.Tag, Limit: 1}
	if image.Digest != "" {
		// The same image may have been judged with another tag beside its digest.
		f = store.VerdictFilter{Repository: image.Name, Digest: image.Digest, ByDigest: true, Limit: maxLimit}
	}
	found, err := h.o.Store.Verdicts(ctx, f)
	if err != nil {
		return 0, err
	}
	for _, v := range found {
		if generation, ok := judge.Generation(v.Key, key); ok && generation >= n {
			return v.ID, nil
		}
	}
	return 0, nil
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
