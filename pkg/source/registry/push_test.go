package registry

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

const artifactType = "application/vnd.test.statement"

// artifactOf is a statement about p.
func artifactOf(p pushed, text string) Artifact {
	return Artifact{
		Subject: ref.Descriptor{MediaType: "application/vnd.docker.distribution.manifest.v2+json", Digest: p.digest, Size: 7},
		Type:    artifactType, Bytes: []byte(text), Annotations: map[string]string{"kind": "test"},
	}
}

func newSource(t *testing.T, o Options) *Source {
	t.Helper()
	s, _ := testSource(t, o)
	return s
}

// What is attached is listed where the registry lists it, beside what was there,
// can be read back, and twice is once.
func TestAttach(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options testregistry.Options
		form    string
	}{
		"referrers API":   {testregistry.Options{}, fact.FormReferrers},
		"fallback tag":    {testregistry.Options{NoReferrers: true}, fact.FormFallbackTag},
		"with a token":    {testregistry.Options{Auth: &testregistry.Auth{Username: "u", Password: "p", Bearer: true}}, fact.FormReferrers},
		"with a password": {testregistry.Options{NoReferrers: true, Auth: &testregistry.Auth{Username: "u", Password: "p"}}, fact.FormFallbackTag},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := push(t, tt.options)
			src := newSource(t, Options{Hosts: []Host{{Host: p.srv.Host, Credentials: &Credential{Username: "u", Password: "p"}}}})
			before := refer(t, p, 1)
			if tt.form == fact.FormFallbackTag {
				fallback(t, p, before...)
			}
			want := append([]ref.Digest{}, before...)
			for _, text := range []string{"one", "two", "two"} {
				d, form, err := src.Attach(t.Context(), p.pinned, artifactOf(p, text))
				if err != nil || form != tt.form {
					t.Fatalf("%s: %v", form, err)
				}
				if text != "two" || len(want) < 3 {
					want = append(want, d)
				}
			}
			list, form, err := src.Referrers(t.Context(), p.pinned, p.digest)
			if err != nil || form != tt.form {
				t.Fatalf("%s: %v", form, err)
			}
			var got []ref.Digest
			for _, l := range list {
				got = append(got, l.Digest)
			}
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
				t.Error(diff)
			}
			last := p.pinned.WithDigest(want[len(want)-1])
			answer, err := src.Manifest(t.Context(), last)
			if err != nil {
				t.Fatal(err)
			}
			var m struct {
				ArtifactType string
				Subject      ref.Descriptor
				Layers       []ref.Descriptor
				Annotations  map[string]string
			}
			if err := json.Unmarshal(answer.Body, &m); err != nil {
				t.Fatal(err)
			}
			if m.ArtifactType != artifactType || m.Subject.Digest != p.digest || m.Annotations["kind"] != "test" || len(m.Layers) != 1 {
				t.Errorf("the manifest is %s", answer.Body)
			}
			body, err := src.Blob(t.Context(), last, m.Layers[0])
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(body)
			_ = body.Close()
			if string(text) != "two" {
				t.Errorf("the file is %q", text)
			}
			for _, q := range p.srv.Requests() {
				// The right to write is asked for to write, and not to read.
				write := strings.Contains(q.Query, url.Values{"scope": {"repository:" + repo + ":pull,push"}}.Encode())
				read := strings.Contains(q.Query, url.Values{"scope": {"repository:" + repo + ":pull"}}.Encode()+"&")
				if q.Kind == testregistry.Token && write == read {
					t.Errorf("a token was asked for %s", q.Query)
				}
			}
		})
	}
}

func sorted(list []ref.Digest) map[ref.Digest]bool {
	out := map[ref.Digest]bool{}
	for _, d := range list {
		out[d] = true
	}
	return out
}

// A tag that looks like the fallback tag and holds something else is left alone.
func TestAttachOverwritesNothing(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{NoReferrers: true})
	own := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a","digest":"` + string(p.digest) + `","size":1},"layers":[]}`)
	if _, err := p.srv.PutManifest(repo, fallbackTag(p.digest), mediaTypeManifest, own); err != nil {
		t.Fatal(err)
	}
	src := newSource(t, Options{})
	if _, _, err := src.Attach(t.Context(), p.pinned, artifactOf(p, "x")); !errors.Is(err, errNoIndex) {
		t.Errorf("got %v", err)
	}
	tag := p.pinned
	tag.Tag, tag.Digest = fallbackTag(p.digest), ""
	if answer, err := src.Manifest(t.Context(), tag); err != nil || string(answer.Body) != string(own) {
		t.Errorf("the tag was changed: %v", err)
	}
}

// A registry may neither lead an upload away nor refuse in silence.
func TestAttachRefusals(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer away.Close()
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		cause  fact.Cause
	}{
		"upload elsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", away.URL+"/upload")
			w.WriteHeader(http.StatusAccepted)
		}, fact.Blocked},
		"redirect": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", away.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, fact.ServerError},
		"no location": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, fact.ServerError},
		"200":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, fact.ServerError},
		"read only":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }, fact.ServerError},
		"forbidden":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, fact.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					tt.answer(w, r)
					return
				}
				w.WriteHeader(http.StatusNotFound)
			}))
			defer srv.Close()
			r := ref.Ref{Name: strings.TrimPrefix(srv.URL, "http://") + "/" + repo}
			_, _, err := newSource(t, Options{Retries: -1}).Attach(t.Context(), r, artifactOf(pushed{digest: ref.DigestOf([]byte("x"), "")}, "x"))
			var e *image.Error
			if !errors.As(err, &e) || e.Cause != tt.cause {
				t.Errorf("got %v", err)
			}
		})
	}
}
