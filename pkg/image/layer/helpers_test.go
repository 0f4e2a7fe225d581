package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/ref"
)

const (
	plainType = "application/vnd.oci.image.layer.v1.tar"
	gzipType  = "application/vnd.oci.image.layer.v1.tar+gzip"
	zstdType  = "application/vnd.oci.image.layer.v1.tar+zstd"
)

// file returns a header of a regular file with content, for archive.
type member struct {
	h    tar.Header
	body string
}

func file(name, body string, mode int64) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(body))}, body}
}

func dir(name string, mode int64) member {
	return member{h: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}}
}

func link(name, target string) member {
	return member{h: tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}}
}

func hard(name, target string) member {
	return member{h: tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target, Mode: 0o644}}
}

func device(name string, major, minor int64) member {
	return member{h: tar.Header{Name: name, Typeflag: tar.TypeChar, Devmajor: major, Devminor: minor, Mode: 0o600}}
}

func xattrs(name, key, value string) member {
	return member{h: tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr." + key: value}}}
}

// netRaw is a value of security.capability: cap_net_raw, permitted and effective.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func (m member) mode(mode int64) member {
	m.h.Mode = mode
	return m
}

func (m member) xattr(key, value string) member {
	m.h.PAXRecords = map[string]string{"SCHILY.xattr." + key: value}
	return m
}

func (m member) owner(uid, gid int) member {
	m.h.Uid, m.h.Gid = uid, gid
	return m
}

func archive(t testing.TB, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		if err := w.WriteHeader(&m.h); err != nil {
			t.Fatalf("write header of %q: %v", m.h.Name, err)
		}
		if _, err := w.Write([]byte(m.body)); err != nil {
			t.Fatalf("write %q: %v", m.h.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zst(t testing.TB, b []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func describe(b []byte, mediaType string) ref.Descriptor {
	return ref.Descriptor{MediaType: mediaType, Digest: ref.DigestOf(b, ""), Size: int64(len(b))}
}

// read reads a layer that must not fail.
func read(t testing.TB, b []byte, mediaType string) *Contents {
	t.Helper()
	c, err := Read(t.Context(), bytes.NewReader(b), describe(b, mediaType), Options{})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return c
}

// merged reads and stacks archives.
func merged(t testing.TB, layers ...[]member) *Tree {
	t.Helper()
	var all []*Contents
	for _, l := range layers {
		all = append(all, read(t, archive(t, l...), plainType))
	}
	tree, err := Merge(all)
	if err != nil {
		t.Fatalf("Merge: %v", err)
	}
	return tree
}

// suite returns a folder of test data beside the repository, or skips.
func suite(t testing.TB, name string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			t.Fatal("no go.mod above the test")
		}
		root = filepath.Dir(root)
	}
	path := filepath.Join(root, "..", "shared", "suites", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data %s is not here", filepath.Join("..", "shared", "suites", name))
	}
	return path
}
