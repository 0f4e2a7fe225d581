package gather

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// file compares what is no directory.
func (c *comparer) file(p string, w observe.Written, node layer.Node, has bool) {
	now := c.subject(p, w.Entry)
	f := fact.FileChange{Path: fact.Bytes(p), What: "added", Kind: kindOf(c.rules, now), Digest: w.Entry.Digest, Size: w.Entry.Size}
	if w.Entry.MetadataOnly {
		var ok bool
		if f.Digest, ok = c.contentOf(p, w); !ok {
			return
		}
	}
	if !has {
		f.Detail = join(extraordinary(w.Entry), noted(w))
		c.tell(f)
		c.unseen(p, w)
		return
	}
	if node.Type() == layer.TypeDir {
		f.What = "replaced"
		f.Detail = fmt.Sprintf("%s, was a directory", sayType(w.Entry))
		told := c.goneBelow(node, p, "replaced", sayType(w.Entry)+", was a ")
		if !told[f.Kind] {
			c.tell(f)
		}
		c.unseen(p, w)
		return
	}
	var was layer.Entry
	node.Entry(&was)
	before := c.original(node, p)
	kind := worse(f.Kind, kindOf(c.rules, before))
	if was.Type == layer.TypeFile {
		f.Was = sum(was.Sum)
	}
	f.Kind = kind
	if before.typ != w.Entry.Type {
		f.What = "replaced"
		f.Detail = join(fmt.Sprintf("%s, was a %s", sayType(w.Entry), was.Type), noted(w))
		c.tell(f)
		c.unseen(p, w)
		return
	}
	meta, what := metadata(w.Entry, &was)
	switch same, known := sameContent(w, &was, f); {
	case !known:
		c.problem(p, cmp.Or(w.Err, errNotRead))
		if what == "" {
			return
		}
		f.What, f.Detail, f.Digest, f.Was = what, meta, "", ""
	case !same:
		f.What, f.Detail = "changed", join(otherTarget(w.Entry, &was), meta, noted(w))
	case what == "":
		return
	default:
		f.What, f.Detail, f.Digest, f.Was = what, meta, "", ""
	}
	c.tell(f)
}

var errNotRead = errors.New("its content was not read")

// contentOf returns the digest of a file of which only owner, mode and attributes
// were copied: its content is still in the image.
func (c *comparer) contentOf(p string, w observe.Written) (ref.Digest, bool) {
	node, ok := c.o.Tree.At(string(w.Renamed))
	if !ok || node.Type() != layer.TypeFile {
		c.problem(p, &image.Error{Op: "compare", Cause: fact.Dependency,
			Err: fmt.Errorf("its content is said to be that of %q, which is no file of the image", string(w.Renamed))})
		return "", false
	}
	var e layer.Entry
	node.Entry(&e)
	return sum(e.Sum), true
}

// sameContent compares what two entries of one type hold. It is not known if the
// file was not read to its end and could still be equal.
func sameContent(w observe.Written, was *layer.Entry, f fact.FileChange) (same, known bool) {
	e := w.Entry
	switch e.Type {
	case "file":
		switch {
		case !e.MetadataOnly && e.Size != was.Size:
			return false, true
		case f.Digest != "" && f.Digest != f.Was:
			return false, true
		default:
			return true, f.Digest != "" && w.Err == nil
		}
	case "symlink":
		return string(e.Link) == string(was.Link), w.Err == nil
	case "char", "block":
		return e.Major == was.Major && e.Minor == was.Minor, w.Err == nil
	}
	return true, w.Err == nil
}

// metadata says what is different but the content, and what such a change is
// called; "" if nothing is.
func metadata(e observe.Entry, was *layer.Entry) (detail, what string) {
	var mode, owner, caps string
	if e.Mode != uint32(was.Mode) && e.Type != "symlink" { // a link has no mode of its own
		mode, what = fmt.Sprintf("%04o, was %04o", e.Mode, was.Mode), "mode"
	}
	if now, before := capabilityBits(e.Capabilities), capabilityBits(was.Capabilities()); now != before {
		caps, what = fmt.Sprintf("%s, had %s", sayCapabilities(now), sayCapabilities(before)), "mode"
	}
	if e.UID != was.UID || e.GID != was.GID {
		owner = fmt.Sprintf("%d:%d, was %d:%d", e.UID, e.GID, was.UID, was.GID)
		if what == "" {
			what = "owner"
		}
	}
	return join(mode, owner, caps), what
}

// capabilityBits returns a security.capability without the user namespace that
// it is for, which is the container's own.
func capabilityBits(value fact.Bytes) fact.Bytes {
	if len(value) == 24 && value[3] == 3 {
		return value[:3] + "\x02" + value[4:20]
	}
	return value
}

func sayCapabilities(value fact.Bytes) string {
	if value != "" {
		if s := layer.DescribeCapabilities(value); s != "" {
			return s
		}
	}
	return "no capabilities"
}

// extraordinary says what is worth knowing of a new entry but its content.
func extraordinary(e observe.Entry) string {
	var out []string
	switch {
	case e.Type == "symlink":
		out = append(out, fmt.Sprintf("link to %q", string(e.Link)))
	case e.Type != "file":
		out = append(out, sayType(e))
	case e.Mode&0o6000 != 0:
		out = append(out, fmt.Sprintf("%04o", e.Mode))
	}
	if e.Capabilities != "" {
		out = append(out, sayCapabilities(e.Capabilities))
	}
	return join(out...)
}

func otherTarget(e observe.Entry, was *layer.Entry) string {
	switch e.Type {
	case "symlink":
		return fmt.Sprintf("link to %q, was to %q", string(e.Link), was.Link)
	case "char", "block":
		return fmt.Sprintf("%s, was %d:%d", sayType(e), was.Major, was.Minor)
	}
	return ""
}

// noted says what went wrong with an entry that is known all the same.
func noted(w observe.Written) string {
	switch {
	case w.Err == nil:
		return ""
	case errors.Is(w.Err, observe.ErrChanging):
		return "was being written to"
	}
	return w.Err.Error()
}

// unseen adds a problem if it is not certain what a new file is good for.
func (c *comparer) unseen(p string, w observe.Written) {
	if w.Err == nil || errors.Is(w.Err, observe.ErrChanging) {
		return
	}
	if errors.As(w.Err, new(*limits.ExceededError)) && len(w.Entry.Head) > 0 {
		return // its beginning was seen
	}
	c.problem(p, w.Err)
}

// subject says of an entry of the container what decides its kind.
func (c *comparer) subject(p string, e observe.Entry) subject {
	return subject{path: p, typ: e.Type, mode: e.Mode, head: e.Head, code: c.stack[len(c.stack)-1].code}
}

// original says of a node of the image what decides its kind, as if it were at p.
func (c *comparer) original(n layer.Node, p string) subject {
	var e layer.Entry
	n.Entry(&e)
	s := subject{path: p, typ: typeNames[e.Type], mode: uint32(e.Mode), code: c.code.Has(n)}
	s.head = interpreterLine(e.Head)
	return s
}

// interpreterLine is the kept beginning of a file of an image if it names an
// interpreter; those of account files are kept, too, and are not meant.
func interpreterLine(head []byte) []byte {
	if bytes.HasPrefix(head, []byte("#!")) {
		return head
	}
	return nil
}

// typeNames are the types of the tree as observe.Entry calls them.
var typeNames = map[layer.Type]string{
	layer.TypeFile: "file", layer.TypeDir: "dir", layer.TypeSymlink: "symlink",
	layer.TypeChar: "char", layer.TypeBlock: "block", layer.TypeFIFO: "fifo",
}

func sayType(e observe.Entry) string {
	switch e.Type {
	case "file", "socket":
		return e.Type
	case "dir":
		return layer.TypeDir.String()
	case "symlink":
		return fmt.Sprintf("link to %q", string(e.Link))
	case "char", "block":
		t := layer.TypeChar
		if e.Type == "block" {
			t = layer.TypeBlock
		}
		return fmt.Sprintf("%s %d:%d", t, e.Major, e.Minor)
	}
	return layer.TypeFIFO.String()
}

func sum(b [32]byte) ref.Digest { return ref.Digest(fmt.Sprintf("sha256:%x", b)) }

// join joins what is not empty.
func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}
