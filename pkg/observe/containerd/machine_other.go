//go:build !linux

package containerd

import "github.com/intact-dev/intact/pkg/ref"

// machine is not known: containers run in a machine of their own.
func machine() ref.Platform { return ref.Platform{} }
