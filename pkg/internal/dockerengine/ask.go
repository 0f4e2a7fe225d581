package dockerengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// Limits of answers: what is about one container or image is kilobytes.
const (
	documentBytes = limits.RuntimeMessage
	elementBytes  = 4 << 20   // one element of a list
	maxContainers = 1_000_000 // a list in use has some hundred
)

// containerID is what an engine calls a container. It becomes part of a path.
var containerID = lazy.Regexp(`^[0-9a-f]{12,64}$`)

// Containers lists the IDs of all containers, in all states, sorted. With an
// error come those that were there before it.
func (e *Engine) Containers(ctx context.Context) ([]string, error) {
	var ids []string
	err := e.list(ctx, "/containers/json", url.Values{"all": {"1"}}, func(dec *json.Decoder) error {
		var c struct{ Id string } //nolint:revive // the API's name
		if err := dec.Decode(&c); err != nil {
			return err
		}
		if !containerID().MatchString(c.Id) {
			return fmt.Errorf("%.80q is no ID of a container", c.Id)
		}
		if len(ids) == maxContainers {
			return &limits.ExceededError{What: "number of containers", Limit: maxContainers}
		}
		ids = append(ids, c.Id)
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids), e.fail(ctx, "list", "the containers", err)
}

// A Change is one line of the engine's own comparison of a container with its
// image.
type Change struct {
	Path string
	Kind container.ChangeType
}

// Changes yields the engine's own comparison of a container with its image, in
// the engine's order. An error of yield ends it and is returned as it is.
func (e *Engine) Changes(ctx context.Context, id string, yield func(Change) error) error {
	if !containerID().MatchString(id) {
		return e.fail(ctx, "compare", "a container", fmt.Errorf("%.80q is no ID of a container", id))
	}
	var stopped error
	err := e.list(ctx, "/containers/"+id+"/changes", nil, func(dec *json.Decoder) error {
		var c Change
		if err := dec.Decode(&c); err != nil {
			return err
		}
		stopped = yield(c)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return e.fail(ctx, "compare", "container "+short(id), err)
}

// Inspect describes a container.
func (e *Engine) Inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	small, cancel := context.WithTimeout(withBound(ctx, bound{documentBytes, "description of the container", e.timeout}), e.timeout)
	defer cancel()
	got, err := e.api.ContainerInspect(small, id, client.ContainerInspectOptions{})
	if err == nil && got.Container.ID != id {
		err = fmt.Errorf("it describes container %.80q", got.Container.ID)
	}
	return got.Container, e.fail(ctx, "inspect", "container "+short(id), err)
}

// Image describes an image of the engine's store, by its ID or a reference. One
// that is not there is an error with the cause fact.NotFound.
func (e *Engine) Image(ctx context.Context, name string) (client.ImageInspectResult, error) {
	small, cancel := context.WithTimeout(withBound(ctx, bound{documentBytes, "description of the image", e.timeout}), e.timeout)
	defer cancel()
	got, err := e.api.ImageInspect(small, name)
	if err == nil && got.ID == "" {
		err = errors.New("the image has no ID")
	}
	return got, e.fail(ctx, "inspect", fmt.Sprintf("image %q", name), err)
}

// Save streams an image as a tar archive, as "docker save" does. An engine may
// write the whole archive to its disk before the first byte comes: only ctx
// bounds that. Whoever reads bounds the size.
func (e *Engine) Save(ctx context.Context, name string) (io.ReadCloser, error) {
	rc, err := e.api.ImageSave(withBound(ctx, bound{}), []string{name})
	if err != nil {
		return nil, e.fail(ctx, "save", fmt.Sprintf("image %q", name), err)
	}
	return &saved{rc, func(err error) error { return e.fail(ctx, "save", fmt.Sprintf("image %q", name), err) }}, nil
}

type saved struct {
	io.ReadCloser
	fail func(error) error
}

func (s *saved) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.fail(err)
	}
	return n, err
}

// list streams the elements of a list: the client library would hold all of it,
// and of a list that is cut nothing would be left. Null is the empty list.
func (e *Engine) list(ctx context.Context, path string, query url.Values, element func(*json.Decoder) error) error {
	u := e.base
	u.Path += path
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(withBound(ctx, bound{wait: e.timeout}), http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "intact")
	resp, err := e.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	r := &refilled{r: resp.Body, left: elementBytes}
	dec := json.NewDecoder(r)
	switch start, err := dec.Token(); {
	case err != nil:
		return unexpectedEOF(err)
	case start == nil:
		return nil
	case start != json.Delim('['):
		return fmt.Errorf("it begins with %.20q, not with a list", fmt.Sprint(start))
	}
	for dec.More() {
		if err := element(dec); err != nil {
			return unexpectedEOF(err)
		}
		r.left = elementBytes
	}
	_, err = dec.Token()
	return unexpectedEOF(err)
}

// unexpectedEOF: a list ends with its bracket, not with its bytes.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A refilled reader bounds what is read between two elements.
type refilled struct {
	r    io.Reader
	left int64
}

func (r *refilled) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, &failure{cause: "limit", text: (&limits.ExceededError{What: "size of an element of the list", Limit: elementBytes}).Error()}
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

func short(id string) string { return id[:min(len(id), 12)] }
