package containerd

import (
	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/ref"
)

// machine is the platform of the kernel, which is the runtime's as well: it is
// reached over a socket of this machine. This program may be built for another.
func machine() ref.Platform {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ref.Platform{}
	}
	p := ref.Platform{OS: "linux", Architecture: unix.ByteSliceToString(u.Machine[:])}
	switch p.Architecture {
	case "i486", "i586", "i686":
		p.Architecture = "386"
	case "armv5l", "armv6l", "armv7l":
		p.Architecture, p.Variant = "arm", p.Architecture[3:5]
	case "armv8l":
		p.Architecture = "arm64" // a 32-bit program asks
	}
	return p.Normalize()
}
