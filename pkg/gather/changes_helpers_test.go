package gather

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// treeOf is the merged tree of one layer.
func treeOf(t testing.TB, files ...testimage.File) *layer.Tree {
	t.Helper()
	b, err := testimage.Tar(files)
	if err != nil {
		t.Fatal(err)
	}
	d := ref.Descriptor{MediaType: testimage.TypeLayer, Digest: ref.DigestOf(b, ""), Size: int64(len(b))}
	c, err := layer.Read(t.Context(), bytes.NewReader(b), d, layer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := layer.Merge([]*layer.Contents{c})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

const elf = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00 a program"

// original is an image with something of every kind.
func original(t testing.TB) Original {
	t.Helper()
	return Original{
		Config: fact.Config{Entrypoint: []string{"/app/server"}},
		Tree: treeOf(t,
			testimage.File{Path: "app/server", Content: elf, Mode: "0755"},
			testimage.File{Path: "app/public/index.html", Content: "hello"},
			testimage.File{Path: "app/settings.json", Content: "{}"},
			testimage.File{Path: "bin/sh", Content: elf + "sh", Mode: "0755"},
			testimage.File{Path: "bin/ls", Content: elf + "ls", Mode: "0755"},
			testimage.File{Path: "bin/which", Content: "#!/bin/sh\n", Mode: "0755"},
			testimage.File{Path: "bin/ping", Content: elf, Mode: "0755", Xattrs: map[string]string{"security.capability": netRaw}},
			testimage.File{Path: "etc/hosts", Content: "127.0.0.1 localhost"},
			testimage.File{Path: "etc/passwd", Content: "root:x:0:0::/:/bin/sh\n"},
			testimage.File{Path: "etc/mtab", Link: "/proc/mounts"},
			testimage.File{Path: "lib/libc.so.6", Content: elf + "libc"},
			testimage.File{Path: "lib/libc.so", Link: "libc.so.6"},
			testimage.File{Path: "data/cache/a", Content: "a", UID: 33, GID: 33},
			testimage.File{Path: "data/cache/b", Content: "b"},
			testimage.File{Path: "data/cache/c", Content: "c"},
			testimage.File{Path: "data/null", Type: "char"},
			testimage.File{Path: "run/"},
			testimage.File{Path: "var/run", Link: "/run"},
			testimage.File{Path: "tmp/", Mode: "1777"},
		),
	}
}

// netRaw and sysAdmin are values of security.capability; netRawNS is netRaw for a
// user namespace whose root is 100000.
const (
	netRaw   = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	netRawNS = "\x01\x00\x00\x03\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa0\x86\x01\x00"
	sysAdmin = "\x01\x00\x00\x02\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// changes compares what is written and returns the changes as lines.
func changes(t testing.TB, o Original, written ...observe.Written) []string {
	t.Helper()
	return show(Changes(t.Context(), telling(nil, written...), o))
}

// telling yields what is written and then fails.
func telling(err error, written ...observe.Written) func(context.Context, func(observe.Written)) error {
	return func(_ context.Context, yield func(observe.Written)) error {
		for _, w := range written {
			yield(w)
		}
		return err
	}
}

func show(l fact.List[fact.FileChange]) []string {
	var out []string
	for _, p := range l.Parts {
		if p.State != fact.Known {
			out = append(out, fmt.Sprintf("unknown, %s: %s", p.Cause, p.Why))
			continue
		}
		s := fmt.Sprintf("%s %s %s", p.V.Path, p.V.What, p.V.Kind)
		if p.V.Was != "" {
			s += " -"
		}
		if p.V.Digest != "" {
			s += " +"
		}
		if p.V.Detail != "" {
			s += ": " + p.V.Detail
		}
		if p.V.Claimed {
			s += " (claimed)"
		}
		out = append(out, s)
	}
	return out
}

// An option changes an entry.
type option func(*observe.Written)

func mode(m uint32) option { return func(w *observe.Written) { w.Entry.Mode = m } }
func owner(uid, gid uint32) option {
	return func(w *observe.Written) { w.Entry.UID, w.Entry.GID = uid, gid }
}
func caps(value string) option {
	return func(w *observe.Written) { w.Entry.Capabilities = fact.Bytes(value) }
}
func opaque() option                 { return func(w *observe.Written) { w.Opaque = true } }
func renamed(from fact.Bytes) option { return func(w *observe.Written) { w.Renamed = from } }
func failed(err error) option        { return func(w *observe.Written) { w.Err = err } }

func entry(p, typ string, m uint32, opts []option) observe.Written {
	w := observe.Written{Path: fact.Bytes(p), Entry: observe.Entry{Type: typ, Mode: m}}
	for _, o := range opts {
		o(&w)
	}
	return w
}

func wFile(p, content string, opts ...option) observe.Written {
	w := entry(p, "file", 0o644, nil)
	w.Entry.Size, w.Entry.Digest = int64(len(content)), ref.DigestOf([]byte(content), "")
	w.Entry.Head = []byte(content[:min(len(content), 512)])
	for _, o := range opts {
		o(&w)
	}
	return w
}

func wDir(p string, opts ...option) observe.Written { return entry(p, "dir", 0o755, opts) }

func wLink(p, target string, opts ...option) observe.Written {
	w := entry(p, "symlink", 0o777, opts)
	w.Entry.Link = fact.Bytes(target)
	return w
}

func wMeta(p, from string, opts ...option) observe.Written {
	w := entry(p, "file", 0o644, opts)
	w.Entry.MetadataOnly, w.Renamed = true, fact.Bytes(from)
	return w
}

func gone(p string) observe.Written { return observe.Written{Path: fact.Bytes(p), Removed: true} }

func claimed(p, what string) observe.Written {
	return observe.Written{Path: fact.Bytes(p), Claimed: what}
}
