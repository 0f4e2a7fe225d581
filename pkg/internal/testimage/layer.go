package testimage

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/ref"
)

// build returns the layer's blob and its archive.
func (l Layer) build() (Object, []byte, error) {
	archive := l.Tar
	if archive == nil {
		var err error
		if archive, err = Tar(l.Files); err != nil {
			return Object{}, nil, err
		}
	}
	archive = append(archive[:len(archive):len(archive)], l.After...)
	blob, mediaType, err := compress(l.Compression, archive)
	if err != nil {
		return Object{}, nil, err
	}
	o := content(mediaType, blob)
	if d, ok := l.DescriptorFields["digest"].(string); ok {
		o.Descriptor.Digest = ref.Digest(d)
	}
	if l.Stored != nil {
		o.Body = l.Stored
	}
	return o, archive, nil
}

// compress uses a module of a fixed version, not the standard library, so that
// the bytes do not depend on the Go release.
func compress(how string, b []byte) ([]byte, string, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	mediaType := TypeLayer
	switch how {
	case "", "gzip":
		mediaType += "+gzip"
		w, err = gzip.NewWriterLevel(&out, gzip.BestCompression)
	case "zstd":
		mediaType += "+zstd"
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	case "none":
		return b, mediaType, nil
	default:
		err = fmt.Errorf("compression %q: not gzip, zstd or none", how)
	}
	if err != nil {
		return nil, "", err
	}
	if _, err = w.Write(b); err == nil {
		err = w.Close()
	}
	return out.Bytes(), mediaType, err
}

// Tar writes files as an archive.
func Tar(files []File) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, f := range files {
		h, body, err := f.header()
		if err != nil {
			return nil, fmt.Errorf("files[%d] %q: %w", i, f.Path, err)
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("files[%d] %q: %w", i, f.Path, err)
		}
		if _, err := w.Write(body); err != nil {
			return nil, fmt.Errorf("files[%d] %q: %w", i, f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (f File) header() (*tar.Header, []byte, error) {
	h := &tar.Header{
		Name: f.Path, Uid: f.UID, Gid: f.GID, Mode: 0o644, Typeflag: tar.TypeReg,
		ModTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Format: tar.FormatPAX,
	}
	body := []byte(f.Content)
	switch {
	case f.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.Hard != "":
		h.Typeflag, h.Linkname = tar.TypeLink, f.Hard
	case f.Type == "char":
		h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, 1, 3
	case f.Type == "block":
		h.Typeflag, h.Devmajor = tar.TypeBlock, 8
	case f.Type == "fifo":
		h.Typeflag = tar.TypeFifo
	case f.Type != "":
		return nil, nil, fmt.Errorf("type %q: not char, block or fifo", f.Type)
	case strings.HasSuffix(f.Path, "/"):
		h.Typeflag, h.Mode = tar.TypeDir, 0o755
	case f.Content == "" && f.Size > 0:
		body = pattern(f.Size)
	}
	if h.Typeflag == tar.TypeReg {
		h.Size = int64(len(body))
	} else {
		body = nil
	}
	if f.Mode != "" {
		m, err := strconv.ParseInt(f.Mode, 8, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("mode %q: not octal", f.Mode)
		}
		h.Mode = m
	}
	for k, v := range f.Xattrs {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+k] = v
	}
	return h, body, nil
}

// pattern returns n bytes that do not compress to nothing.
func pattern(n int64) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
