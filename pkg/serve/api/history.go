package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
)

func (h *Handler) tags(r *http.Request, q query) (answer, error) {
	name := q.text["repository"]
	all, err := h.o.Store.Tags(r.Context(), name)
	if err != nil {
		return answer{}, err
	}
	out := v1.Tags{Repository: name, Tags: []v1.Tag{}}
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if q.has("after") && tag <= q.text["after"] {
			continue
		}
		if len(out.Tags) == q.limit() {
			out.After = out.Tags[len(out.Tags)-1].Tag
			break
		}
		out.Tags = append(out.Tags, v1.Tag{Tag: tag, Digest: all[tag]})
	}
	return answer{body: out}, nil
}

func (h *Handler) history(r *http.Request, q query) (answer, error) {
	name, err := named(q.ref)
	if err != nil {
		return answer{}, err
	}
	if name.Digest != "" {
		return answer{}, problem(http.StatusUnprocessableEntity, "%q has a digest, which never changes: name registry/repository:tag", q.ref)
	}
	before := int64(store.Newest)
	if q.has("before") {
		before = q.numbers["before"]
	}
	limit := q.limit()
	entries, err := h.o.Store.History(r.Context(), q.ref, before, limit+1)
	if err != nil {
		return answer{}, err
	}
	out := v1.History{Repository: name.Name, Tag: name.Tag, Transitions: []v1.Transition{}}
	if len(entries) > limit {
		entries = entries[:limit]
		out.Before = entries[limit-1].Seq
	}
	for _, e := range entries {
		out.Transitions = append(out.Transitions, v1.Transition{Seq: e.Seq, From: e.From, To: e.To, At: e.At, Source: e.Source, Platforms: e.Platforms})
	}
	// Read after the entries: it has all of them.
	out.Checkpoint, err = h.head(r.Context())
	return answer{body: out}, err
}

func (h *Handler) checkpoint(r *http.Request, _ query) (answer, error) {
	c, err := h.head(r.Context())
	return answer{body: c}, err
}

func (h *Handler) head(ctx context.Context) (v1.Checkpoint, error) {
	c, err := h.o.Store.Head(ctx)
	if err != nil {
		return v1.Checkpoint{}, err
	}
	note, err := c.Sign(h.o.Key)
	if err != nil {
		return v1.Checkpoint{}, err
	}
	return v1.Checkpoint{Origin: c.Origin, Size: c.N, Root: c.Hash.String(), Note: string(note), Signed: h.o.Key != nil}, nil
}

func (h *Handler) events(r *http.Request, q query) (answer, error) {
	after := q.numbers["after"]
	out := v1.Events{Events: []v1.Event{}, After: after}
	found, err := h.o.Store.Happenings(r.Context(), store.HappeningFilter{
		Type: q.text["type"], Subject: q.text["subject"], After: after, Limit: q.limit(),
	})
	if err != nil {
		return answer{}, err
	}
	for _, f := range found {
		out.Events = append(out.Events, v1.Event{ID: f.ID, Type: f.Type, Subject: f.Subject, At: f.At, Data: f.Data})
		out.After = f.ID
	}
	if after > 0 {
		// Asked after the events were read: what was dropped before that is found out.
		if _, err := h.o.Store.Happening(r.Context(), after); errors.Is(err, store.ErrNotFound) {
			out.Incomplete = true
		} else if err != nil {
			return answer{}, err
		}
	}
	return answer{body: out}, nil
}

func (h *Handler) inventory(r *http.Request, q query) (answer, error) {
	out := v1.Inventory{Places: []v1.Place{}}
	if h.o.Inventory != nil {
		places, err := h.o.Inventory.Places(r.Context())
		if err != nil {
			return answer{}, err
		}
		for _, p := range places {
			if !q.has("context") {
				p.Report = nil
			}
			if !q.has("context") || p.Context == q.text["context"] {
				out.Places = append(out.Places, p)
			}
		}
	}
	if q.has("context") && len(out.Places) == 0 {
		return answer{}, problem(http.StatusNotFound, "the service watches no place of this name")
	}
	return answer{body: out}, nil
}
