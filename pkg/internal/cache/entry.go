package cache

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"os"
	"time"
)

// An entry is a header, then chunks, each with its own code, of which only the
// last is shorter than chunkSize or marked as last:
//
//	header: magic (8 bytes), seen (8, Unix nanoseconds), nonce (16)
//	chunk:  length (4), last (1), data, code (32)
//
// A code covers the chunk's number, whether it is the last, and its data, under
// a key derived from what the entry is for and its header. So chunks of other
// entries, in another order or fewer of them do not pass.
const (
	magic      = "intact1\n"
	headerSize = 8 + 8 + 16
	chunkSize  = 64 << 10
	codeSize   = sha256.Size
)

var errCode = errors.New("cache entry: wrong code")

type coder struct {
	mac    hash.Hash
	number uint64
}

func (c *Cache) newCoder(kind, key string, header []byte) *coder {
	return &coder{mac: hmac.New(sha256.New, c.derive("entry", kind, key, header))}
}

// next returns the code of the next chunk.
func (c *coder) next(data []byte, last byte) []byte {
	var head [9]byte
	binary.BigEndian.PutUint64(head[:8], c.number)
	head[8] = last
	c.number++
	c.mac.Reset()
	c.mac.Write(head[:])
	c.mac.Write(data)
	return c.mac.Sum(nil)
}

func newHeader(seen time.Time) []byte {
	h := make([]byte, headerSize)
	copy(h, magic)
	binary.BigEndian.PutUint64(h[8:], uint64(seen.UnixNano()))
	_, _ = rand.Read(h[16:]) // never fails
	return h
}

// A reader hands out chunks whose code is right.
type reader struct {
	file  *os.File
	r     *bufio.Reader
	coder *coder
	buf   []byte
	rest  []byte // of buf, not handed out yet
	last  bool
	err   error
}

func (c *Cache) newReader(f *os.File, kind, key string) (*reader, time.Time, error) {
	br := bufio.NewReaderSize(f, chunkSize)
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(br, header); err != nil {
		return nil, time.Time{}, err
	}
	if string(header[:8]) != magic {
		return nil, time.Time{}, errCode
	}
	seen := time.Unix(0, int64(binary.BigEndian.Uint64(header[8:16]))).UTC()
	return &reader{file: f, r: br, coder: c.newCoder(kind, key, header), buf: make([]byte, chunkSize+codeSize)}, seen, nil
}

func (r *reader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 && r.err == nil {
		r.err = r.chunk()
	}
	if r.err != nil && len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *reader) chunk() error {
	var head [5]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		if r.last && err == io.EOF {
			return io.EOF
		}
		return errCode
	}
	n := binary.BigEndian.Uint32(head[:4])
	if r.last || n > chunkSize {
		return errCode
	}
	b := r.buf[:int(n)+codeSize]
	if _, err := io.ReadFull(r.r, b); err != nil {
		return errCode
	}
	if !hmac.Equal(b[n:], r.coder.next(b[:n], head[4])) {
		return errCode
	}
	r.rest, r.last = b[:n], head[4] == 1
	return nil
}

// Close closes the file.
func (r *reader) Close() error { return r.file.Close() }
