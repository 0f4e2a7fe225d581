//go:build !linux

package docker

import (
	"errors"

	"github.com/intact-dev/intact/pkg/internal/overlay"
)

// An overlayMount is what the kernel says of one mount of an overlay.
type overlayMount struct {
	upper string
	form  overlay.Form
}

func (machine) overlayAt(string) (overlayMount, error) {
	return overlayMount{}, errors.New("overlays are a matter of Linux")
}
