package serve

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/policy"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
)

// inventory is what was last seen to run in the places of a config.
type inventory struct {
	store *store.Store
	watch []config.Watch
}

// Places implements [api.Inventory].
func (i inventory) Places(ctx context.Context) ([]v1.Place, error) {
	out := make([]v1.Place, 0, len(i.watch))
	for _, w := range i.watch {
		p := v1.Place{Context: w.Context}
		seen, err := i.store.State(ctx, watch.State(w.Context))
		if err != nil {
			return nil, err
		}
		lost, err := i.store.State(ctx, watch.Lost(w.Context))
		if err != nil {
			return nil, err
		}
		if len(seen.Data) > 0 {
			var r struct {
				Verdict policy.Decision `json:"verdict"`
			}
			if err := json.Unmarshal(seen.Data, &r); err != nil {
				return nil, fmt.Errorf("what runs in %q: %w", w.Context, err)
			}
			p.At, p.Decision, p.Report = seen.Changed, r.Verdict, seen.Data
		}
		if lost.Changed.After(seen.Changed) {
			p.At, p.Decision, p.Error = lost.Changed, policy.Undecided, string(lost.Data)
		}
		out = append(out, p)
	}
	return out, nil
}
