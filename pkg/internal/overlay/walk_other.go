//go:build !linux

package overlay

import (
	"context"
	"errors"
	"runtime"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

func walk(_ context.Context, upper string, _ Options, _ func(observe.Written) error) error {
	return &image.Error{Op: "read the upper directory", Object: upper, Cause: fact.Unsupported,
		Err: errors.New("overlay file systems cannot be read on " + runtime.GOOS)}
}
