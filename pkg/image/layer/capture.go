package layer

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// maxCaptured is how much of account files is kept per layer. Any file of the
// right name is kept, since a link may lead to it from /etc.
const maxCaptured = 4 * limits.AccountFile

// wanted decides how much of e's content is kept.
func (w *walker) wanted(e *Entry) {
	switch base := string(e.base()); {
	case base == "passwd" || base == "group":
		w.capture.limit = limits.AccountFile
		if w.captured+limits.AccountFile > maxCaptured && !e.dirIs("etc") {
			w.capture.limit = 0
			e.flags |= flagTruncated
		}
	case e.Mode&0o111 != 0:
		w.capture.limit, w.capture.line = shebangLine, true
	}
}

func (e *Entry) dirIs(dir string) bool { return string(e.dir()) == dir }

// keep stores what was captured in e.
func (w *walker) keep(e *Entry) {
	c := &w.capture
	switch {
	case c.limit == 0:
	case c.line:
		line, _, _ := bytes.Cut(c.buf, []byte("\n"))
		if bytes.HasPrefix(line, []byte("#!")) {
			e.Head = line
		}
	case c.over:
		e.flags |= flagTruncated
	default:
		w.captured += len(c.buf)
		e.Head = c.buf
	}
}

// Extended attributes that are kept.
const (
	xattrCapability = "security.capability"
	xattrACL        = "system.posix_acl_access"
	xattrOverlay    = "trusted.overlay."
	xattrUserOver   = "user.overlay."
)

func keepXattr(name string) bool {
	return name == xattrCapability || name == xattrACL ||
		strings.HasPrefix(name, xattrOverlay) || strings.HasPrefix(name, xattrUserOver)
}

func sortXattrs(x []Xattr) {
	slices.SortFunc(x, func(a, b Xattr) int { return cmp.Compare(string(a.Name), string(b.Name)) })
}
