package testregistry

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// drip is the time between two bytes in the slow modes.
const drip = time.Millisecond

func transportModes() []modeSpec {
	return []modeSpec{
		{"endless-manifest", "manifests never end", func(x *exchange) { x.endlessIf(x.manifest()) }},
		{"endless-blob", "blobs never end", func(x *exchange) { x.endlessIf(x.Kind == Blob) }},
		{"slow-manifest", "manifests come byte by byte", func(x *exchange) { x.slowIf(x.manifest()) }},
		{"slow-blob", "blobs come byte by byte", func(x *exchange) { x.slowIf(x.Kind == Blob) }},
		{"stall-blob", "blobs stop in the middle, the connection stays", func(x *exchange) { x.stallIf(x.Kind == Blob) }},
		{"silent", "nothing is ever answered", func(x *exchange) { <-x.r.Context().Done() }},
		{"hang-up", "the connection is closed without an answer", func(x *exchange) { x.raw(nil) }},
		{"cut-manifest", "manifests end in the middle", func(x *exchange) { x.cutIf(x.manifest(), 0) }},
		{"cut-blob", "blobs end in the middle", func(x *exchange) { x.cutIf(x.Kind == Blob, 0) }},
		{"cut-once", "the first manifest and the first blob end in the middle", func(x *exchange) { x.cutIf(x.content() && x.s.times("cut "+x.Kind) == 1, 0) }},
		{"length-short", "Content-Length is one byte too short", func(x *exchange) { x.lengthIf(x.content(), -1) }},
		{"length-long", "Content-Length is one byte too long", func(x *exchange) { x.lengthIf(x.content(), 1) }},
		{"partial", "content is answered with 206", partialContent},
		{"rate-limited", "429 without Retry-After", func(x *exchange) { x.status(http.StatusTooManyRequests, "TOOMANYREQUESTS", "") }},
		{"rate-limited-tag", "429 for tags that are digests: signatures and referrers", func(x *exchange) {
			if x.Kind == ManifestTag && strings.HasPrefix(x.Reference, "sha256-") {
				x.status(http.StatusTooManyRequests, "TOOMANYREQUESTS", "")
				return
			}
			x.pass()
		}},
		{"rate-limited-hour", "429 with Retry-After: 3600", func(x *exchange) { x.status(http.StatusTooManyRequests, "TOOMANYREQUESTS", "3600") }},
		{"rate-limited-twice", "429 with Retry-After: 1 two times, then honest", func(x *exchange) { x.failFirst(2, http.StatusTooManyRequests, "TOOMANYREQUESTS", "1") }},
		{"flaky", "500 two times, then honest", func(x *exchange) { x.failFirst(2, http.StatusInternalServerError, "UNKNOWN", "") }},
		{"broken", "500", func(x *exchange) { x.status(http.StatusInternalServerError, "UNKNOWN", "") }},
		{"unauthorized", "401 with a Basic challenge that nothing meets", unauthorized},
		{"forbidden", "403", func(x *exchange) { x.status(http.StatusForbidden, "DENIED", "") }},
		{"missing", "404", func(x *exchange) { x.status(http.StatusNotFound, "NAME_UNKNOWN", "") }},
		{"no-head", "HEAD is not allowed", noHead},
		{"rude-error", "404 with an endless body of control characters", rudeError},
	}
}

func (x *exchange) status(status int, code, retryAfter string) {
	if retryAfter != "" {
		x.w.Header().Set("Retry-After", retryAfter)
	}
	refuse(x.w, status, code, "so says the test")
}

func (x *exchange) failFirst(n, status int, code, retryAfter string) {
	if x.s.times("fail "+x.Repo) <= n {
		x.status(status, code, retryAfter)
		return
	}
	x.pass()
}

func (x *exchange) endlessIf(yes bool) {
	if !yes || x.Method == http.MethodHead {
		x.pass()
		return
	}
	x.w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	x.forever(bytes.Repeat([]byte(" "), 64<<10))
}

// forever writes until the reader is gone.
func (x *exchange) forever(chunk []byte) {
	for x.r.Context().Err() == nil {
		if _, err := x.w.Write(chunk); err != nil {
			return
		}
	}
}

func (x *exchange) slowIf(yes bool) {
	w := x.honest()
	if !yes || x.Method == http.MethodHead || w.Code != http.StatusOK {
		x.pass()
		return
	}
	for k, v := range w.Header() {
		x.w.Header()[k] = v
	}
	for _, b := range w.Body.Bytes() {
		if _, err := x.w.Write([]byte{b}); err != nil {
			return
		}
		_ = http.NewResponseController(x.w).Flush()
		if !x.pause(drip) {
			return
		}
	}
}

// pause waits, and reports whether the reader is still there.
func (x *exchange) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.r.Context().Done():
		return false
	}
}

func (x *exchange) stallIf(yes bool) {
	w := x.honest()
	if !yes || x.Method == http.MethodHead || w.Code != http.StatusOK {
		x.pass()
		return
	}
	_, _ = x.w.Write(w.Body.Bytes()[:w.Body.Len()/2])
	_ = http.NewResponseController(x.w).Flush()
	<-x.r.Context().Done()
}

// cutIf closes the connection in the middle of the body, whose length was said
// right but for add.
func (x *exchange) cutIf(yes bool, add int) {
	w := x.honest()
	if !yes || x.Method == http.MethodHead || w.Code != http.StatusOK {
		x.pass()
		return
	}
	b := w.Body.Bytes()
	x.raw(rawAnswer(w.Header(), len(b)+add, b[:len(b)/2]))
}

func (x *exchange) lengthIf(yes bool, add int) {
	w := x.honest()
	if !yes || x.Method == http.MethodHead || w.Code != http.StatusOK {
		x.pass()
		return
	}
	x.raw(rawAnswer(w.Header(), w.Body.Len()+add, w.Body.Bytes()))
}

func rawAnswer(h http.Header, length int, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\n")
	h = h.Clone()
	h.Del("Content-Length")
	_ = h.Write(&b)
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", length)
	b.Write(body)
	return b.Bytes()
}

// raw writes bytes to the connection and closes it. Over HTTP/2, where there is
// no connection of one's own, the stream is reset.
func (x *exchange) raw(b []byte) {
	conn, buf, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = buf.Write(b)
	_ = buf.Flush()
	_ = conn.Close()
}

func partialContent(x *exchange) {
	w := x.honest()
	if !x.content() || w.Code != http.StatusOK {
		x.pass()
		return
	}
	n := w.Body.Len()
	w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", n-1, n))
	w.Code = http.StatusPartialContent
	x.answer(w, w.Body.Bytes())
}

func unauthorized(x *exchange) {
	x.w.Header().Set("WWW-Authenticate", `Basic realm="nobody"`)
	x.status(http.StatusUnauthorized, "UNAUTHORIZED", "")
}

func noHead(x *exchange) {
	if x.Method == http.MethodHead {
		x.w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	x.pass()
}

func rudeError(x *exchange) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusNotFound)
	_, _ = x.w.Write([]byte(`{"errors":[{"code":"\u001b[31mRUDE","message":"\u001b]0;title\u0007\r\nok"}]}` + "\n"))
	x.forever(bytes.Repeat([]byte("\x1b[2J \n"), 1<<10))
}
