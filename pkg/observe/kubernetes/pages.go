package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A query is a list that is asked for, page by page.
type query struct {
	resource
	namespace     string // "" = all
	labels, field string // selectors; "" = all
	metadata      bool   // only that of each object
	limit         int    // objects per page; 0 = as configured
	single        bool   // no other page is wanted
	read          func() // is called when a page was read, whole or not; nil = nothing is
}

// listAll gives each object of q to each, which may keep nothing of it. An object
// may come more than once, where a page had to be asked for again. The error says
// that objects are missing; what was given before it is whole.
func listAll[T any, P interface {
	*T
	message
}](ctx context.Context, c *client, q query, each func(P)) error {
	var object, zero T
	var broken error
	var pruned []byte
	all, bad := 0, 0
	err := c.pages(ctx, q, func(raw []byte, isJSON bool) error {
		object = zero
		all++
		if what := cuts[q.resource]; what != nil && !isJSON && !q.metadata {
			pruned = prune(pruned[:0], raw, what)
			raw = pruned
		}
		if err := decode(raw, isJSON, P(&object)); err != nil {
			bad++
			broken = err
			return nil // the others may be whole
		}
		each(&object)
		return nil
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d of %d objects: %w", bad, all, broken)
	}
	return c.fail(ctx, "list", q.of(q.namespace), q.need("list", q.namespace), err)
}

// pages gives each object of all pages of q to item.
//
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func (c *client) pages(ctx context.Context, q query, item func(raw []byte, isJSON bool) error) error {
	if q.limit == 0 {
		q.limit = c.o.PageSize
	}
	again := 0             // how often this page was asked for in vain
	resumed, begun := 0, 0 // how often the list was gone on with since the last page, and begun again
	next := c.ahead(ctx, c.pageOf(q, ""))
	defer func() { next.drop() }()
	for token := ""; ; {
		p, err := c.page(ctx, q, token, next, item)
		next = p.next
		if q.read != nil {
			q.read()
		}
		var s *statusError
		switch {
		case err == nil:
			again, resumed = 0, 0
		case errors.As(err, &s) && s.expired && resumed < limits.Retries && begun < limits.Retries:
			// The list grew old. The server may give a token for the same place in the list
			// of now; else it is listed from the beginning, and what was seen comes again.
			resumed++
			if token = s.resume; token == "" {
				begun++
			}
			next.drop()
			next = c.ahead(ctx, c.pageOf(q, token))
			continue
		case p.opened && again < limits.Retries && ctx.Err() == nil && broke(err):
			again++
			next.drop()
			next = c.ahead(ctx, c.pageOf(q, token))
			continue
		default:
			return err
		}
		if p.head.token == "" {
			return c.ended(ctx, q, token, p)
		}
		if p.head.token == token {
			return fmt.Errorf("%w: it names the same page as the next one", errProtocol)
		}
		token = p.head.token
		if next == nil {
			next = c.ahead(ctx, c.pageOf(q, token))
		}
	}
}

// broke reports an answer that ended early, which may not happen again.
func broke(err error) bool {
	var limit *limits.ExceededError
	var s *statusError
	return !errors.Is(err, errHang) && !errors.Is(err, errProtocol) && !errors.As(err, &limit) && !errors.As(err, &s)
}

// A page is what came of one.
type page struct {
	opened bool // it was answered
	head   head
	n      int
	next   *pending // asked for while this one was read; nil = it was not
}

// page reads the page that comes, and asks for the one after it as soon as its
// name is known, so that the server works while the objects are looked at.
func (c *client) page(ctx context.Context, q query, token string, coming *pending, item func([]byte, bool) error) (page, error) {
	var p page
	b, err := coming.wait(ctx)
	if err != nil {
		return p, err
	}
	defer coming.cancel()
	defer b.close()
	p.opened = true
	l := list{
		kind: func(k string) bool { return k == q.kind+"List" || q.metadata && k == "PartialObjectMetadataList" },
		begin: func(h head) {
			p.head = h
			if h.token != "" && h.token != token && !q.single {
				p.next = c.ahead(ctx, c.pageOf(q, h.token))
			}
		},
		item: func(raw []byte, isJSON bool) error {
			p.n++
			return item(raw, isJSON)
		},
	}
	err = l.read(b)
	return p, err
}

func (c *client) pageOf(q query, token string) request {
	v := url.Values{"limit": {strconv.Itoa(q.limit)}}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("continue", token)
	set("labelSelector", q.labels)
	set("fieldSelector", q.field)
	r := request{path: q.path(q.namespace, ""), query: v, accept: acceptObject}
	if q.metadata {
		r.accept = acceptMetaList
	}
	return r
}

// ended checks that a list without a next page is whole: a token may get lost on
// the way.
func (c *client) ended(ctx context.Context, q query, token string, last page) error {
	if last.head.left > 0 {
		return fmt.Errorf("%w: %d more objects are there, and no way to them is given", errCut, last.head.left)
	}
	if last.n < q.limit {
		return nil
	}
	// A page that is full may be the last by chance. Then the same page has room for
	// one more.
	q.limit, q.metadata, q.single = last.n+1, true, true
	r := c.pageOf(q, token)
	if token == "" && last.head.revision != "" {
		r.query.Set("resourceVersion", last.head.revision)
		r.query.Set("resourceVersionMatch", "Exact")
	}
	p, err := c.page(ctx, q, token, c.ahead(ctx, r), func([]byte, bool) error { return nil })
	switch {
	case err != nil:
		return fmt.Errorf("whether there is more after the last full page: %w", err)
	case p.n > last.n || p.head.token != "":
		return fmt.Errorf("%w: there are more objects after a page of %d, and no way to them is given", errCut, last.n)
	}
	return nil
}

// A pending is a request whose answer is waited for.
type pending struct {
	done   chan struct{}
	cancel context.CancelFunc
	b      *body
	err    error
}

// ahead makes a request in the background.
func (c *client) ahead(ctx context.Context, r request) *pending {
	ctx, cancel := context.WithCancel(ctx)
	p := &pending{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(p.done)
		p.b, p.err = c.open(ctx, r)
	}()
	return p
}

// wait returns the answer, which the caller closes.
func (p *pending) wait(ctx context.Context) (*body, error) {
	select {
	case <-p.done:
		return p.b, p.err
	case <-ctx.Done():
		p.drop()
		return nil, context.Cause(ctx)
	}
}

// drop is for an answer that nobody wants any more; nil may be dropped.
func (p *pending) drop() {
	if p == nil {
		return
	}
	p.cancel()
	go func() {
		if <-p.done; p.b != nil {
			p.b.close()
		}
	}()
}

// get asks for one object and decodes it into m.
func (c *client) get(ctx context.Context, r resource, namespace, name string, metadata bool, m message) error {
	req := request{path: r.path(namespace, name), accept: acceptObject}
	if metadata {
		req.accept = acceptMetadata
	}
	var err error
	if !plainName(namespace, name) {
		err = fmt.Errorf("%w: %q in %q is no name", errProtocol, name, namespace)
	} else {
		err = c.fetch(ctx, req, r.kind, metadata, m)
	}
	object := fmt.Sprintf("%s %q", r.kind, name)
	if namespace != "" && !r.cluster {
		object = fmt.Sprintf("%s %q of namespace %q", r.kind, name, namespace)
	}
	return c.fail(ctx, "get", object, r.need("get", namespace), err)
}

func (c *client) fetch(ctx context.Context, req request, kind string, metadata bool, m message) error {
	b, err := c.open(ctx, req)
	if err != nil {
		return err
	}
	defer b.close()
	raw, err := io.ReadAll(io.LimitReader(b, limits.KubeObject+1))
	if err != nil {
		return cut(err)
	}
	if len(raw) > limits.KubeObject {
		return &limits.ExceededError{What: "an object of the API", Limit: limits.KubeObject}
	}
	got, err := decodeObject(raw, m)
	if err == nil && got != kind && !(metadata && got == "PartialObjectMetadata") {
		err = fmt.Errorf("%w: it is a %q", errProtocol, got)
	}
	return err
}
