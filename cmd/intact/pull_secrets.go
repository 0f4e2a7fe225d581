package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/registry"
)

// secretPlaces are registries as pods pull from them: with the pull secrets of
// their own namespace, and no others.
type secretPlaces struct {
	reach  *reach
	secret func(ctx context.Context, namespace, name string) ([]byte, error)

	mu   sync.Mutex
	made map[string]secretPlace
}

type secretPlace struct {
	place scan.Place
	err   error
}

// place returns the registry for c. Each set of secrets is read once.
func (s *secretPlaces) place(ctx context.Context, c observe.Container) (scan.Place, string, error) {
	if len(c.Spec.PullSecrets) == 0 {
		return s.reach.anyPlace(ctx, c)
	}
	key := c.Namespace + "/" + strings.Join(c.Spec.PullSecrets, ",")
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, ok := s.made[key]; ok {
		return got.place, key, got.err
	}
	place, err := s.make(ctx, c)
	if s.made == nil {
		s.made = map[string]secretPlace{}
	}
	if ctx.Err() == nil {
		s.made[key] = secretPlace{place, err}
	}
	return place, key, err
}

// make reads the secrets. One that cannot be read leaves the others: the runtime
// does the same.
func (s *secretPlaces) make(ctx context.Context, c observe.Container) (scan.Place, error) {
	var chain registry.Chain
	var errs []error
	for _, name := range c.Spec.PullSecrets {
		b, err := s.secret(ctx, c.Namespace, name)
		if err == nil {
			var k registry.Keychain
			if k, err = registry.PullSecret(b); err == nil {
				chain = append(chain, k)
				continue
			}
		}
		errs = append(errs, fmt.Errorf("pull secret %s/%s: %w", c.Namespace, name, err))
	}
	if len(chain) == 0 {
		return scan.Place{}, errors.Join(errs...)
	}
	src, err := s.reach.with(chain)
	if err != nil {
		return scan.Place{}, err
	}
	return scan.Place{Source: src, Prober: src, Referrer: src}, nil
}
