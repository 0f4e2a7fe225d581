package overlay

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Attributes of overlayfs, by the namespace that the mount uses. What a container
// itself calls trusted.overlay.X is stored as trusted.overlay.overlay.X, which is
// none of these.
const (
	trustedOverlay = "trusted.overlay."
	userOverlay    = "user.overlay."
)

// marks are the ways in which a form of mount marks things.
type marks struct {
	opaque    []string // attributes of a directory
	kernel    string   // the prefix of overlayfs's attributes; "" = none count
	copies    bool     // metacopy and redirect count
	names     bool     // .wh.NAME counts
	overrides []string // attributes with owner and mode, the first that is there counts
	// doubtful says that a mark may be none: both readings are told.
	doubtful bool
}

func marksOf(f Form) marks {
	fuse := marks{
		names:     true,
		opaque:    []string{trustedOverlay + "opaque", userOverlay + "opaque", "user.fuseoverlayfs.opaque"},
		overrides: []string{"security.fuseoverlayfs.override_stat", "user.fuseoverlayfs.override_stat", "user.containers.override_stat"},
	}
	switch f {
	case FormKernel:
		return marks{kernel: trustedOverlay, copies: true, opaque: []string{trustedOverlay + "opaque"}}
	case FormKernelUser:
		return marks{kernel: userOverlay, opaque: []string{userOverlay + "opaque"}}
	case FormFuse:
		return fuse
	}
	fuse.doubtful, fuse.kernel, fuse.copies = true, trustedOverlay, true
	return fuse
}

// directoryMarks are what the attributes of a directory say.
type directoryMarks struct {
	opaque    bool
	whiteouts bool // empty files in it may be whiteouts
	redirect  string
}

func (m marks) ofDirectory(fd int) (directoryMarks, error) {
	var d directoryMarks
	var errs []error
	for _, name := range m.opaque {
		value, err := xattr(fd, name)
		errs = append(errs, err)
		d.opaque = d.opaque || len(value) > 0 && value[0] == 'y'
		d.whiteouts = d.whiteouts || len(value) > 0 && value[0] == 'x'
	}
	if m.copies {
		value, err := xattr(fd, m.kernel+"redirect")
		errs = append(errs, err)
		d.redirect = string(value)
	}
	return d, errors.Join(errs...)
}

// fileMarks are what the attributes of a regular file say.
type fileMarks struct {
	whiteout     bool
	metacopy     bool
	redirect     string
	capabilities []byte
}

func (m marks) ofFile(fd int, mayBeWhiteout bool) (fileMarks, error) {
	var f fileMarks
	var errs []error
	get := func(name string) []byte {
		value, err := xattr(fd, name)
		errs = append(errs, err)
		return value
	}
	if mayBeWhiteout && m.kernel != "" {
		f.whiteout = get(m.kernel+"whiteout") != nil
	}
	if m.copies {
		if f.metacopy = get(m.kernel+"metacopy") != nil; f.metacopy {
			f.redirect = string(get(m.kernel + "redirect"))
		}
	}
	f.capabilities = get("security.capability")
	return f, errors.Join(errs...)
}

func firstXattr(fd int, names []string) ([]byte, error) {
	for _, name := range names {
		if value, err := xattr(fd, name); err != nil || value != nil {
			return value, err
		}
	}
	return nil, nil
}

// maxXattr is the longest value that Linux keeps.
const maxXattr = 64 << 10

// xattr returns the value of an attribute; nil if there is none.
func xattr(fd int, name string) ([]byte, error) {
	buf := make([]byte, 256)
	for {
		n, err := retried(func() (int, error) { return unix.Fgetxattr(fd, name, buf) })
		switch {
		case err == nil:
			return buf[:n:n], nil
		case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && len(buf) < maxXattr:
			buf = make([]byte, maxXattr)
		default:
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
	}
}

// initialUserNS is the number of the first user namespace of every kernel
// (PROC_USER_INIT_INO).
const initialUserNS = 0xEFFFFFFD

// blind says why marks may not have been seen; "" if all were.
func (w *walker) blind() string {
	needed := w.marks.kernel == trustedOverlay || w.o.Form == FormFuse && w.fuseRoot
	if !needed || !w.marked {
		return ""
	}
	return untrusted()
}

// untrusted says why this process cannot read trusted.* attributes: the kernel
// answers as if there were none. "" if it can.
func untrusted() string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Sprintf("whether trusted.* attributes can be read is not known: %v", err)
	}
	if sets[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return "trusted.* attributes cannot be read without CAP_SYS_ADMIN"
	}
	info, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		return fmt.Sprintf("whether trusted.* attributes can be read is not known: %v", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Ino != initialUserNS {
		return "trusted.* attributes cannot be read in a user namespace"
	}
	return ""
}
