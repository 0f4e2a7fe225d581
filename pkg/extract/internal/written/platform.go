package written

import (
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// Platform parses a platform as builders and engines take it: os/arch, an
// architecture of Linux, or an operating system alone, which leaves the rest to
// the machine and is zero.
func Platform(s string) (ref.Platform, error) {
	switch s {
	case "", "linux", "windows", "darwin", "freebsd", "local":
		return ref.Platform{}, nil
	}
	if !strings.Contains(s, "/") {
		s = "linux/" + s
	}
	return ref.ParsePlatform(s)
}
