package trustroot_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/verify/trustroot"
)

// files answer without a network.
type files map[string][]byte

func (f files) RoundTrip(q *http.Request) (*http.Response, error) {
	b, ok := f[q.URL.Path]
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(b)), Request: q}, nil
}

// FuzzFetch puts bytes in the place of one file of a repository, or of the copy:
// whatever they are, the root is the one that was signed, or the built-in one.
func FuzzFetch(f *testing.F) {
	r := &repository{t: f, key: repositoryKey}
	r.publish(1, now.Add(24*time.Hour), rootJSON(f, "one"))
	names := []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", targetFile(rootJSON(f, "one"))}
	for i, name := range names {
		b := r.files[name]
		if b == nil {
			b = r.anchor
		}
		f.Add(i, b)
		f.Add(i, bytes.Replace(b, []byte(`":{`), []byte(`":{"a":null,`), 1))
		f.Add(i, bytes.Replace(b, []byte(`"targets":{`), []byte(`"targets":{"a":null,`), 1))
	}
	opts := trustroot.Options{Now: now, URL: "http://repository.example.test", Anchor: r.anchor}
	f.Add(len(names), []byte(`{"fetched":"2026-11-23T12:00:00Z","url":"http://repository.example.test","files":{"/timestamp.json":"e30="}}`))
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		o := opts
		served := files{}
		for name, b := range r.files {
			served["/"+name] = b
		}
		if which >= 0 && which < len(names) {
			served["/"+names[which]] = b
		} else {
			o.Offline, o.CacheDir = true, t.TempDir()
			if err := os.WriteFile(filepath.Join(o.CacheDir, "trust-root.json"), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		o.HTTPClient = &http.Client{Transport: served}
		got, info, err := trustroot.Fetch(t.Context(), o)
		builtIn, _ := trustroot.Embedded()
		signed := bytes.Equal(got, rootJSON(t, "one")) && info.Source != trustroot.FromEmbedded
		if !signed && !(bytes.Equal(got, builtIn) && info.Source == trustroot.FromEmbedded && info.Why != "") && err == nil {
			t.Errorf("%d bytes, %+v", len(got), info)
		}
	})
}
