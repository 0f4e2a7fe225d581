package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// A position is how far the look at a repository is that was stopped. The zero
// value is the beginning.
type position struct {
	After string `json:"after,omitempty"` // the last tag that is done
	// Silent are tags before it of which the registry did not say what they are.
	Silent []string `json:"silent,omitempty"`
}

// in is where to go on in a list of tags. It may have changed: of a list in order
// it is after where the tag was, of another one that lacks it the beginning.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
func (p position) in(listed []string) int {
	if p.After == "" {
		return 0
	}
	if i := slices.Index(listed, p.After); i >= 0 {
		return i + 1
	}
	if !slices.IsSorted(listed) {
		return 0
	}
	i, _ := slices.BinarySearch(listed, p.After)
	return i
}

// stale is after how long a position counts no more: what is before it was looked
// at too long ago.
const stale = 24 * time.Hour

// state is the name of what is remembered of a repository.
func state(repository string) string { return "reconcile " + repository }

// position returns where the look at a repository stopped.
func (c *Reconciler) position(ctx context.Context, repository string) (position, error) {
	var out position
	s, err := c.Memory.State(ctx, state(repository))
	if err != nil || len(s.Data) == 0 || c.Clock().Sub(s.Changed) > stale {
		return position{}, err
	}
	if err := json.Unmarshal(s.Data, &out); err != nil {
		return position{}, fmt.Errorf("state %q: %w", state(repository), err)
	}
	return out, nil
}

// stop remembers where the look at a repository stopped.
func (c *Reconciler) stop(ctx context.Context, repository string, from, to position) error {
	if reflect.DeepEqual(from, to) {
		return nil
	}
	var data []byte
	if !reflect.DeepEqual(to, position{}) {
		var err error
		if data, err = json.Marshal(to); err != nil {
			return fmt.Errorf("state %q: %w", state(repository), err)
		}
	}
	return c.Memory.SetState(ctx, state(repository), data, c.Clock())
}
