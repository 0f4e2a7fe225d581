package registry

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	redacted = "[redacted]"
	// secretLeast is the length below which a secret is not looked for: it is in
	// any text by chance.
	secretLeast = 4
	// secretPart bytes of a secret on end count as it: what a server echoes is
	// taken apart at spaces and slashes. Before our own cut, secretLeast do.
	secretPart = 8
	// secretBytes bounds what is remembered: tokens of further repositories push
	// out those used longest ago. It holds many more than the perHost requests
	// that are under way can show.
	secretBytes = 1 << 20
	// errorLength is how much of an error's text is kept. It bounds the search as
	// well; net/http quotes whole header lines.
	errorLength = 4 << 10
	cut         = "…"
)

// secrets are what one registry has or could have been shown: what it echoes of
// them must not get into a report. The zero value holds none. It may be used
// concurrently.
type secrets struct {
	mu    sync.Mutex
	list  []secret // the one used last at the end
	bytes int      // of list
}

type secret struct {
	text  string
	forms []string // as they are looked for
}

// add remembers secrets. Short ones, and empty ones, are passed over.
func (s *secrets) add(all ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range all {
		if len(text) < secretLeast {
			continue
		}
		if i := slices.IndexFunc(s.list, func(o secret) bool { return o.text == text }); i >= 0 {
			known := s.list[i]
			s.list = append(slices.Delete(s.list, i, i+1), known)
			continue
		}
		s.list, s.bytes = append(s.list, secret{text: text, forms: formsOf(text)}), s.bytes+len(text)
		for s.bytes > secretBytes && len(s.list) > 1 {
			s.bytes -= len(s.list[0].text)
			s.list = slices.Delete(s.list, 0, 1)
		}
	}
}

func (s *secrets) addCredential(c Credential) {
	s.add(c.Password, c.IdentityToken, c.RegistryToken)
	if c.Password != "" {
		s.add(c.Username + ":" + c.Password)
	}
}

// addRequest remembers what r shows.
func (s *secrets) addRequest(r *http.Request) {
	if _, shown, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		s.add(shown)
	}
}

// hide returns text with every secret in it replaced: as it is or in base64,
// quoted or percent-encoded. Text beyond errorLength is cut.
func (s *secrets) hide(text string) string {
	if len(text) > errorLength {
		text = strings.ToValidUTF8(text[:errorLength], "") + cut
	}
	s.mu.Lock()
	list := slices.Clone(s.list)
	s.mu.Unlock()
	if len(list) == 0 {
		return text
	}
	hidden := make([]bool, len(text))
	for _, v := range readings(text) {
		windows := v.windows()
		for _, known := range list {
			for _, form := range known.forms {
				v.mark(form, windows, hidden)
			}
		}
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(redacted)
		}
	}
	return b.String()
}

// formsOf returns secret and what base64 makes of it wherever it begins among
// other bytes. Characters that depend on what is around it are left out.
func formsOf(secret string) []string {
	forms := []string{fold(secret)}
	for before, skip := range []int{0, 2, 3} {
		in := append(make([]byte, before), secret...)
		text := base64.RawStdEncoding.EncodeToString(in)[skip : len(in)*8/6]
		if len(text) < secretLeast {
			continue
		}
		forms = append(forms, fold(text))
		if strings.ContainsAny(text, "+/") {
			forms = append(forms, fold(strings.NewReplacer("+", "-", "/", "_").Replace(text)))
		}
	}
	return forms
}

// fold makes equal what encoders and hosts do not keep apart: the case of ASCII,
// and the plus that stands for a space.
func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case c == '+':
			b[i] = ' '
		}
	}
	return string(b)
}

// hideError returns err with its text redacted. What it is stays known to
// errors.Is and errors.As; it cannot be unwrapped, because its parts hold the
// secret.
func (s *secrets) hideError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if safe := s.hide(text); safe != text {
		return &hiddenError{text: safe, err: err}
	}
	return err
}

type hiddenError struct {
	text string
	err  error
}

// Error returns the text without secrets.
func (e *hiddenError) Error() string { return e.text }

// Is reports whether the hidden error is target.
func (e *hiddenError) Is(target error) bool { return errors.Is(e.err, target) }

// As finds target in the hidden error.
func (e *hiddenError) As(target any) bool { return errors.As(e.err, target) }

// do sends req. All requests to the registry and its token server go through
// here, so that what they show is known when the answer is spoken of.
func (e *endpoint) do(req *http.Request) (*http.Response, error) {
	e.secrets.addRequest(req)
	return e.transport.RoundTrip(req.WithContext(withDials(req.Context())))
}
