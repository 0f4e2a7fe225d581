package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
)

func (h *Handler) verdicts(r *http.Request, q query) (answer, error) {
	limit := q.limit()
	if q.has("before") && q.numbers["before"] == 0 {
		return answer{body: v1.Verdicts{Verdicts: []v1.Verdict{}}}, nil // the store takes it for all
	}
	found, err := h.o.Store.Verdicts(r.Context(), store.VerdictFilter{
		Repository: q.text["repository"], Tag: q.text["tag"], Digest: ref.Digest(q.text["digest"]),
		Before: q.numbers["before"], Limit: limit + 1,
	})
	if err != nil {
		return answer{}, err
	}
	out := v1.Verdicts{Verdicts: []v1.Verdict{}}
	if len(found) > limit {
		found = found[:limit]
		out.Before = found[limit-1].ID
	}
	for _, f := range found {
		v, err := verdictOf(f)
		if err != nil {
			return answer{}, err
		}
		out.Verdicts = append(out.Verdicts, v)
	}
	return answer{body: out}, nil
}

func verdictOf(v store.Verdict) (v1.Verdict, error) {
	out := v1.Verdict{
		ID: v.ID, Repository: v.Repository, Tag: v.Tag, Digest: v.Digest, Policy: v.Policy, At: v.At, Source: v.Source, Report: v.Report,
	}
	if err := out.Decision.UnmarshalText([]byte(v.Decision)); err != nil {
		return out, fmt.Errorf("verdict %d: %w", v.ID, err)
	}
	if v.Summary == nil {
		return out, nil
	}
	if err := json.Unmarshal(v.Summary, &out.Summary); err != nil {
		return out, fmt.Errorf("verdict %d: its summary: %w", v.ID, err)
	}
	out.AwaitingSignature = out.Summary.AwaitingSignature
	return out, nil
}

// byID reads the verdict that a path names.
func (h *Handler) byID(r *http.Request) (v1.Verdict, error) {
	id, err := between(r.PathValue("id"), 0, 1<<62)
	if err != nil {
		return v1.Verdict{}, problem(http.StatusBadRequest, "verdict %s", err)
	}
	v, err := h.o.Store.Verdict(r.Context(), id)
	if err != nil {
		return v1.Verdict{}, err
	}
	return verdictOf(v)
}

func (h *Handler) verdict(r *http.Request, _ query) (answer, error) {
	v, err := h.byID(r)
	if err != nil {
		return answer{}, err
	}
	// A verdict never changes, but its report is dropped when it is old.
	tag := `"` + number(v.ID) + `"`
	if len(v.Report) == 0 {
		tag = `"` + number(v.ID) + `-short"`
	}
	return answer{body: v, etag: tag}, nil
}

func (h *Handler) why(r *http.Request, _ query) (answer, error) {
	v, err := h.byID(r)
	if err != nil {
		return answer{}, err
	}
	if v.Summary == nil {
		return answer{}, problem(http.StatusNotFound, "nothing is kept of why verdict %d is %s", v.ID, v.Decision)
	}
	return answer{body: v1.Why{Verdict: v.ID, Summary: *v.Summary, Text: textOf(v)}, etag: `"` + number(v.ID) + `-why"`}, nil
}

// textOf puts a verdict in lines.
func textOf(v v1.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", report.Escape(v.Summary.Title))
	for _, line := range v.Summary.Lines {
		fmt.Fprintf(&b, "  %s\n", report.Escape(line))
	}
	fmt.Fprintf(&b, "judged %s by policy %s because of %s\n", v.At.UTC().Format(time.RFC3339), report.Escape(v.Policy), report.Escape(v.Source))
	return b.String()
}

// latest is the newest verdict of a reference.
func (h *Handler) latest(r *http.Request, q query) (answer, error) {
	repository, tag := ledger.Name(q.ref)
	f := store.VerdictFilter{Repository: repository, Tag: tag}
	if q.ref.Digest != "" {
		// The digest says which image is meant, as it does for whoever pulls.
		f = store.VerdictFilter{Repository: repository, Digest: q.ref.Digest}
		return h.newest(r, f, fmt.Sprintf("%s@%s", repository, q.ref.Digest), nil)
	}
	if err := ledger.CheckName(repository, tag); err != nil {
		return answer{}, problem(http.StatusUnprocessableEntity, "%s", err)
	}
	now, seen, err := h.o.Store.Now(r.Context(), q.ref)
	if err != nil {
		return answer{}, err
	}
	if !seen {
		return h.newest(r, f, repository+":"+tag, nil)
	}
	return h.newest(r, f, repository+":"+tag, &v1.Seen{Digest: now.Digest, Since: now.Since.At, LastSeen: now.LastSeen})
}

// image is the newest verdict of a digest.
func (h *Handler) image(r *http.Request, q query) (answer, error) {
	digest, err := ref.ParseDigest(r.PathValue("digest"))
	if err != nil {
		return answer{}, problem(http.StatusBadRequest, "%s", err)
	}
	return h.newest(r, store.VerdictFilter{Repository: q.text["repository"], Digest: digest}, string(digest), nil)
}

func (h *Handler) newest(r *http.Request, f store.VerdictFilter, name string, now *v1.Seen) (answer, error) {
	f.Limit = 1
	found, err := h.o.Store.Verdicts(r.Context(), f)
	if err != nil {
		return answer{}, err
	}
	if len(found) == 0 {
		return answer{}, problem(http.StatusNotFound, "no verdict of %s is recorded: it was never judged here, or so long ago that it is not kept", name)
	}
	v, err := verdictOf(found[0])
	if err != nil {
		return answer{}, err
	}
	age := max(0, h.o.Now().Sub(v.At))
	return answer{body: v1.Latest{
		Verdict: v, AgeSeconds: int64(age / time.Second), Now: now,
		Current: now == nil && f.Digest != "" || now != nil && now.Digest == v.Digest,
	}}, nil
}
