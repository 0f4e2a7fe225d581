package docker

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/overlay"
	"github.com/intact-dev/intact/pkg/observe"
)

// readsFiles reports whether the files themselves are looked at: that needs root
// on the engine's machine.
func (o *Observer) readsFiles() bool {
	return !o.o.EngineDiff && o.machine.root && o.endpoint.Local()
}

// Reads implements [observe.Files]. The engine's own comparison goes by time,
// size, owner and mode, and who restores the time hides from it.
//
// https://github.com/moby/go-archive/blob/v0.1.0/changes_unix.go
func (o *Observer) Reads() (how string, claims bool) {
	if o.readsFiles() {
		return "the overlay's upper directory", false
	}
	return "the engine's own comparison", true
}

// Written implements [observe.Files]. Where files are read and those of one
// container cannot be, the engine's own comparison is yielded in their place,
// and the error says so.
func (o *Observer) Written(ctx context.Context, c observe.Container, yield func(observe.Written)) error {
	e, err := o.connect(ctx)
	if err != nil {
		return err
	}
	in, err := e.Inspect(ctx, c.ID)
	if err == nil {
		err = complete(in)
	}
	if err != nil {
		return err
	}
	if !o.readsFiles() {
		return claimed(ctx, e, in, yield)
	}
	layer, unreadable := o.machine.layerOf(e.Info, in)
	if unreadable == nil {
		return readLayer(ctx, layer, in, yield)
	}
	if err := claimed(ctx, e, in, yield); err != nil {
		return err
	}
	return &image.Error{Op: "read", Object: filesOf(in), Cause: unreadable.cause, Hint: unreadable.hint,
		Err: fmt.Errorf("%w; only the engine's own comparison was taken, which sees neither content nor what restores its time", unreadable)}
}

func filesOf(in container.InspectResponse) string {
	return fmt.Sprintf("the files of container %q", nameOf(in))
}

// readLayer walks the upper directory.
func readLayer(ctx context.Context, l layer, in container.InspectResponse, yield func(observe.Written)) error {
	m := masksOf(in)
	o := overlay.Options{Form: l.form, Skip: m.hides, UIDs: l.uids, GIDs: l.gids}
	err := overlay.Walk(ctx, l.upper, o, func(w observe.Written) error {
		if !m.leftBehind(w) {
			yield(w)
		}
		return nil
	})
	if err == nil {
		return nil
	}
	return &image.Error{Op: "read", Object: filesOf(in), Cause: image.CauseOf(err), Err: err, Hint: image.HintOf(err)}
}
