package webhook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Nexus signs with it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An Authenticator says whether a request comes from an endpoint's sender. It
// may be used concurrently.
type Authenticator interface {
	// Authenticate returns "", or why the request is refused. token is the last
	// part of its path, "" if there is none. body is nil unless Signs.
	Authenticate(r *http.Request, token string, body []byte) Reason
	// Signs reports whether the body is needed to tell.
	Signs() bool
}

// secrets are those that are accepted: one, or two while it is being replaced.
// None is empty.
type secrets []string

// holds compares in a time that tells neither the content nor the length.
func (s secrets) holds(value string) bool {
	sum := sha256.Sum256([]byte(value))
	found := 0
	for _, secret := range s {
		own := sha256.Sum256([]byte(secret))
		found |= subtle.ConstantTimeCompare(sum[:], own[:])
	}
	return found == 1
}

func (s secrets) refuse(value string) Reason {
	switch {
	case value == "":
		return NoCredential
	case !s.holds(value):
		return BadCredential
	}
	return ""
}

// one returns a header's value. Of two it cannot be said which one counts.
func one(r *http.Request, header string) string {
	if values := r.Header.Values(header); len(values) == 1 {
		return values[0]
	}
	return ""
}

// A pathToken is the last part of the path.
type pathToken struct{ secrets }

func (a pathToken) Authenticate(_ *http.Request, token string, _ []byte) Reason {
	return a.refuse(token)
}

func (pathToken) Signs() bool { return false }

// A headerValue is the whole value of a header.
type headerValue struct {
	header string
	secrets
}

func (a headerValue) Authenticate(r *http.Request, _ string, _ []byte) Reason {
	return a.refuse(one(r, a.header))
}

func (headerValue) Signs() bool { return false }

// A basic is a name and password.
//
// https://www.rfc-editor.org/rfc/rfc7617
type basic struct {
	username string
	secrets
}

func (a basic) Authenticate(r *http.Request, _ string, _ []byte) Reason {
	if one(r, "Authorization") == "" {
		return NoCredential
	}
	name, password, ok := r.BasicAuth()
	// Both are compared, whatever the first says.
	known := secrets{a.username}.holds(name)
	if reason := a.refuse(password); !ok || !known || reason != "" {
		return BadCredential
	}
	return ""
}

func (basic) Signs() bool { return false }

// A bearer is a fixed token.
//
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
type bearer struct{ secrets }

func (a bearer) Authenticate(r *http.Request, _ string, _ []byte) Reason {
	return a.refuse(bearerToken(r))
}

func (bearer) Signs() bool { return false }

func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(one(r, "Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// A signature is an HMAC over the bytes of the body as they came.
type signature struct {
	headers []string // the first that is there counts
	prefix  string   // in front of the hex digits
	hash    func() hash.Hash
	// algorithm is a header that may name another hash; "" = none does.
	algorithm string
	// timestamp is a header with a time in seconds that, if it is there, is signed
	// in front of the body with a dot between; "" = there is none.
	timestamp string
	now       func() time.Time
	secrets
}

// How far a signed time may be from ours.
const signedWindow = 5 * time.Minute

func (a signature) Signs() bool { return true }

func (a signature) Authenticate(r *http.Request, _ string, body []byte) Reason {
	value := ""
	for i := 0; i < len(a.headers) && value == ""; i++ {
		value = one(r, a.headers[i])
	}
	if value == "" {
		return NoCredential
	}
	digits, ok := strings.CutPrefix(value, a.prefix)
	claimed, err := hex.DecodeString(digits)
	newHash, known := a.hashFor(r)
	if !ok || err != nil || !known {
		return BadCredential
	}
	stamp := ""
	if a.timestamp != "" {
		stamp = strings.Join(r.Header.Values(a.timestamp), ",")
	}
	found := false
	for _, secret := range a.secrets {
		mac := hmac.New(newHash, []byte(secret))
		if stamp != "" {
			mac.Write([]byte(stamp + "."))
		}
		mac.Write(body)
		found = hmac.Equal(claimed, mac.Sum(nil)) || found
	}
	switch {
	case !found:
		return BadCredential
	case stamp == "":
		return ""
	}
	n, err := strconv.ParseInt(stamp, 10, 64)
	if sent := seconds(n); err != nil || sent.IsZero() || a.now().Sub(sent).Abs() > signedWindow {
		return Replayed
	}
	return ""
}

// hashFor returns the hash that the request names, of those that are known.
func (a signature) hashFor(r *http.Request) (func() hash.Hash, bool) {
	if a.algorithm == "" || len(r.Header.Values(a.algorithm)) == 0 {
		return a.hash, true
	}
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(one(r, a.algorithm))) {
	case "sha1", "hmacsha1":
		return sha1.New, true
	case "sha256", "hmacsha256":
		return sha256.New, true
	}
	return nil, false
}
