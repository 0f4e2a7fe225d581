package docker

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/observe"
)

// maxSilent is after how many requests in a row without an answer the engine
// counts as lost. One container can hang by itself.
const maxSilent = 3

// A look is one Observe.
type look struct {
	engine *dockerengine.Engine
	images *images

	mu     sync.Mutex
	specs  observe.Specs
	yield  func(observe.Container)
	seen   int
	gone   int
	silent int
	gaps   gaps
}

// all looks at the containers. Its error means that the engine was lost.
func (l *look) all(ctx context.Context, ids []string, jobs int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return l.one(ctx, id) })
	}
	return g.Wait()
}

func (l *look) one(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in, err := l.engine.Inspect(ctx, id)
	name := nameOf(in)
	if err == nil {
		err = complete(in)
	}
	if err != nil {
		if image.CauseOf(err) == fact.NotFound {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gone++
			return nil
		}
		return l.missed(ctx, "container "+shortID(id), err)
	}
	c, err := l.container(ctx, in)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Pod = name
	c.Spec = l.specs.One(c.Spec)
	l.seen++
	l.silent = 0
	l.yield(c)
	return nil
}

// missed notes a gap, or returns an error if err means that more than what was
// asked about is lost.
func (l *look) missed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case dockerengine.Silent(err):
		if l.silent++; l.silent >= maxSilent {
			return err
		}
	case image.CauseOf(err) == fact.Network:
		return err
	}
	l.gaps.add(what, err)
	return nil
}
