package containerd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/observe"
)

// A Lookup finds single containers by their ID, such as those of pods that
// another observer saw on this machine. It remembers the images that it looked
// at. It may be used concurrently.
type Lookup struct {
	o      *Observer
	mu     sync.Mutex
	spaces map[string]*space // by namespace
}

// Lookup returns a Lookup that starts with nothing.
func (o *Observer) Lookup() *Lookup { return &Lookup{o: o, spaces: map[string]*space{}} }

// Container describes the container of an ID, with or without the scheme that a
// pod's status has ("containerd://…"): what Reported, Manifest and Also say is
// what the runtime knows of its image. The gaps are what could not be seen of it.
// The error has the cause fact.NotFound if there is none.
func (l *Lookup) Container(ctx context.Context, id string) (observe.Container, []observe.Gap, error) {
	var none observe.Container
	scheme, bare, ok := strings.Cut(id, "://")
	if !ok {
		scheme, bare = l.o.runtime(), id
	}
	switch {
	case bare == "":
		return none, nil, &image.Error{Op: "find", Object: fmt.Sprintf("container %q", id), Cause: fact.Unsupported, Err: errors.New("it has no ID")}
	case scheme != l.o.runtime() && l.o.runtime() != "cri":
		return none, nil, &image.Error{Op: "find", Object: fmt.Sprintf("container %q", id), Cause: fact.Unsupported,
			Err: fmt.Errorf("it is of another runtime than %s", l.o.runtime()), Hint: "name that runtime's socket: " + containerdclient.Flag}
	}
	var g gaps
	if l.o.client == nil {
		d, err := l.o.byCRI(ctx, bare, &g)
		if err != nil {
			return none, nil, err
		}
		return d.all[0], g.list(), nil
	}
	namespace, record, err := l.o.locate(ctx, "", bare)
	if err != nil {
		return none, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sp, err := l.space(ctx, namespace)
	if err != nil {
		return none, nil, err
	}
	d, err := l.o.describe(ctx, sp, record, &g)
	if err != nil {
		if errors.Is(err, errGone) {
			err = notFound(bare, nil)
		}
		return none, nil, err
	}
	return d.all[0], g.list(), nil
}

func (l *Lookup) space(ctx context.Context, namespace string) (*space, error) {
	if sp, ok := l.spaces[namespace]; ok && sp.store.lost == nil {
		return sp, nil
	}
	all, err := l.o.client.Images(ctx, namespace)
	if err != nil {
		return nil, err
	}
	sp := &space{name: namespace, store: newStore(all, l.o.client.Content(namespace))}
	l.spaces[namespace] = sp
	return sp, nil
}

// locate finds the namespace of a container. Whoever may use containerd can make
// one of any ID in any namespace, so of several only the one in the preferred
// namespace is taken, and none if one of them is a pod's.
func (o *Observer) locate(ctx context.Context, preferred, id string) (string, *containerdclient.Container, error) {
	all, err := o.client.Namespaces(ctx)
	if err != nil {
		return "", nil, err
	}
	found := map[string]*containerdclient.Container{}
	var where []string
	ofPod := false
	for _, namespace := range all {
		if len(o.namespaces) > 0 && !slices.Contains(o.namespaces, namespace) {
			continue
		}
		c, err := o.client.Container(ctx, namespace, id)
		if err != nil {
			if image.CauseOf(err) == fact.NotFound {
				continue
			}
			return "", nil, err
		}
		found[namespace], where = c, append(where, namespace)
		_, isPod := c.Extensions[extensionContainer]
		ofPod = ofPod || isPod
	}
	switch {
	case len(where) == 0:
		return "", nil, notFound(id, all)
	case len(where) == 1:
		return where[0], found[where[0]], nil
	case found[preferred] != nil && !ofPod:
		return preferred, found[preferred], nil
	}
	return "", nil, &image.Error{Op: "find", Object: fmt.Sprintf("container %q", id), Cause: fact.Unsupported,
		Err: errors.New("there are several of this ID, in the namespaces " + quoted(where))}
}

func notFound(id string, namespaces []string) error {
	err := errors.New("it is gone")
	if namespaces != nil {
		err = errors.New("it is in none of the namespaces " + quoted(namespaces))
	}
	return &image.Error{Op: "find", Object: fmt.Sprintf("container %q", id), Cause: fact.NotFound, Err: err}
}
