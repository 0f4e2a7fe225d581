package cache

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path"
)

const tempDir = "tmp"

// A Writer takes the content of one entry. Nothing can be seen of it before
// Commit. It is for one goroutine.
type Writer struct {
	c     *Cache // nil if the entry is not kept
	name  string
	temp  string
	file  *os.File
	coder *coder
	buf   []byte // not written yet
	size  int64
	err   error
	done  bool
}

// Put starts an entry. The returned Writer always takes what is written to it;
// what went wrong is told by Commit. The caller calls Commit or Abort.
func (c *Cache) Put(kind, key string) *Writer {
	if c == nil {
		return &Writer{}
	}
	w := &Writer{c: c, name: c.name(kind, key)}
	header := newHeader(c.now())
	w.coder = c.newCoder(kind, key, header)
	if w.err = w.create(); w.err == nil {
		w.write(header)
	}
	return w
}

// create opens a file of a name that nobody else has.
func (w *Writer) create() error {
	if err := w.c.root.MkdirAll(tempDir, 0o700); err != nil {
		return err
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	w.temp = path.Join(tempDir, hex.EncodeToString(b[:]))
	f, err := w.c.root.OpenFile(w.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	w.file = f
	return err
}

// Write never fails.
func (w *Writer) Write(p []byte) (int, error) {
	if w.c == nil || w.err != nil || w.done {
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		if w.buf == nil {
			w.buf = make([]byte, 0, chunkSize)
		}
		n := min(len(rest), chunkSize-len(w.buf))
		w.buf = append(w.buf, rest[:n]...)
		rest = rest[n:]
		// A full buffer is written when more follows, so that the last chunk is known.
		if len(w.buf) == chunkSize && len(rest) > 0 {
			w.chunk(0)
		}
	}
	return len(p), nil
}

func (w *Writer) chunk(last byte) {
	var head [5]byte
	binary.BigEndian.PutUint32(head[:4], uint32(len(w.buf)))
	head[4] = last
	w.write(head[:])
	w.write(w.buf)
	w.write(w.coder.next(w.buf, last))
	w.buf = w.buf[:0]
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.file.Write(b)
	w.size += int64(n)
	w.err = err
}

// Commit makes the entry visible in place of an earlier one. The error is a
// [*Warning]: the entry is not kept. It is not synced to disk: half an entry
// after a crash has a wrong code.
func (w *Writer) Commit() error {
	if w.c == nil || w.done {
		return nil
	}
	w.chunk(1)
	err := w.finish()
	if err == nil {
		err = w.c.root.MkdirAll(path.Dir(w.name), 0o700)
	}
	if err == nil {
		now := w.c.now() // pruning goes by one clock
		err = w.c.root.Chtimes(w.temp, now, now)
	}
	if err == nil {
		err = w.c.root.Rename(w.temp, w.name)
	}
	if err != nil {
		w.remove()
		return &Warning{Op: "write cache entry", Err: err}
	}
	if err := w.c.grown(w.size); err != nil {
		return &Warning{Op: "prune cache", Err: err}
	}
	return nil
}

// Abort drops the entry. After Commit it does nothing, so that it can be deferred.
func (w *Writer) Abort() {
	if w.c == nil || w.done {
		return
	}
	_ = w.finish()
	w.remove()
}

func (w *Writer) finish() error {
	w.done = true
	if w.file == nil {
		return w.err
	}
	return errors.Join(w.err, w.file.Close())
}

func (w *Writer) remove() {
	if w.temp != "" {
		_ = w.c.root.Remove(w.temp)
	}
}
