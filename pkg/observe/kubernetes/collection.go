package kubernetes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A Collection is the objects of one kind of custom resource. Unlike an Observer
// it can change them: it is for what is told of a cluster in the cluster. It may be
// used concurrently.
type Collection struct {
	c *client
	r resource
}

// Collection returns the objects of a kind, by its name in URLs ("reports").
// apiVersion is its group and version.
func (o *Observer) Collection(apiVersion, kind, name string, namespaced bool) *Collection {
	group, version, _ := strings.Cut(apiVersion, "/")
	return &Collection{o.c, resource{group, version, name, kind, !namespaced}}
}

// String names the objects as permissions have them: "reports.openreports.io".
func (l *Collection) String() string { return l.r.qualified() }

// reportPage is how many objects are asked for at a time: each may be large.
const reportPage = 100

// List gives each object with the labels of a selector to each, as JSON. One may
// come twice. An error says that some are missing, and has the method Status if
// that is what the server answered.
func (l *Collection) List(ctx context.Context, selector string, each func(raw []byte) error) error {
	q := query{resource: l.r, labels: selector, limit: min(reportPage, l.c.o.PageSize)}
	err := l.c.pages(ctx, q, func(raw []byte, isJSON bool) error {
		if !isJSON {
			return fmt.Errorf("%w: custom resources are JSON", errProtocol)
		}
		return each(raw)
	})
	return l.c.fail(ctx, "list", l.String(), l.r.need("list", ""), err)
}

// Verbs as permissions have them.
var verbs = map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodDelete: "delete"}

// Send gets, creates (POST), updates (PUT) or deletes one object and returns what the
// server answered. Where body has a resourceVersion the
// object is changed only if it still is of that version; else the error's Status
// is 409. Whatever is sent may arrive more than once.
func (l *Collection) Send(ctx context.Context, method, namespace, name string, body []byte) ([]byte, error) {
	verb, ok := verbs[method]
	object := fmt.Sprintf("%s %q", l.r.kind, name)
	if !l.r.cluster {
		object = fmt.Sprintf("%s %q of namespace %q", l.r.kind, name, namespace)
	}
	answer, err := func() ([]byte, error) {
		if !ok || !plainName(namespace, name) || name == "" || namespace == "" && !l.r.cluster {
			return nil, fmt.Errorf("%w: %s of %q in %q", errProtocol, method, name, namespace)
		}
		r := request{path: l.r.path(namespace, name), accept: acceptJSON, method: method, body: body, contentType: acceptJSON}
		if method == http.MethodPost {
			r.path = l.r.path(namespace, "")
		}
		b, err := l.c.open(ctx, r)
		if err != nil {
			return nil, err
		}
		defer b.close()
		raw, err := io.ReadAll(io.LimitReader(b, limits.KubeObject+1))
		if err != nil {
			return nil, cut(err)
		}
		if len(raw) > limits.KubeObject {
			return nil, &limits.ExceededError{What: "an object of the API", Limit: limits.KubeObject}
		}
		return raw, nil
	}()
	return answer, l.c.fail(ctx, verb, object, l.r.need(verb, ""), err)
}

// Status is the code that the server answered with.
func (e *statusError) Status() int { return e.code }
