package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/internal/docs"
	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

var update = flag.Bool("update", false, "rewrite openapi.json")

func TestTheDocumentIsFresh(t *testing.T) {
	t.Parallel()
	comments, err := docs.ReadComments("../../..", "pkg/serve/api/v1", "pkg/difference", "pkg/policy", "pkg/ref")
	if err != nil {
		t.Fatal(err)
	}
	want, err := api.OpenAPI(func(v any) (json.RawMessage, error) {
		return docs.Schema("", "", v, comments)
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(want), string(api.Document())); d != "" {
		t.Errorf("openapi.json is stale; run go generate ./pkg/serve/api (-want +got):\n%s", d)
	}
}

func TestTheDocumentIsValid(t *testing.T) {
	t.Parallel()
	doc := loaded(t)
	if doc.OpenAPI != "3.1.0" || len(doc.Paths.Map()) < 11 {
		t.Errorf("OpenAPI %s with %d paths", doc.OpenAPI, len(doc.Paths.Map()))
	}
	// The validator is no rubber stamp.
	broken := bytes.Replace(api.Document(), []byte(`"type": "string"`), []byte(`"type": "strong"`), 1)
	if doc, err := openapi3.NewLoader().LoadFromData(broken); err == nil && doc.Validate(t.Context()) == nil {
		t.Error("a document with the type strong is valid")
	}
}

func loaded(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

var router = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// follows expects an exchange to be as the document says: what is answered always,
// what is asked where it was taken.
func (s *service) follows(r *http.Request, body string, resp *http.Response, answer []byte) {
	s.t.Helper()
	router, err := router()
	if err != nil {
		s.t.Fatal(err)
	}
	r = r.Clone(s.t.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "", "", ""
	r.Body = io.NopCloser(strings.NewReader(body))
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet // HEAD is that, without an answer
		answer = nil
	}
	route, parts, err := router.FindRoute(r)
	if err != nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			s.t.Errorf("%s %s: %v, and %d", r.Method, r.URL.Path, err, resp.StatusCode)
		}
		return
	}
	asked := &openapi3filter.RequestValidationInput{Request: r, PathParams: parts, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
	if resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(s.t.Context(), asked); err != nil {
			s.t.Errorf("%s %s was taken, and the document forbids it: %v", r.Method, r.URL, err)
		}
	}
	if answer == nil || resp.StatusCode == http.StatusNotModified {
		return
	}
	err = openapi3filter.ValidateResponse(s.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: asked.Options})
	if err != nil {
		s.t.Errorf("%s %s: %d is not as the document says: %v", r.Method, r.URL, resp.StatusCode, err)
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	t.Parallel()
	s := newService(t, tokens, nil)
	e := s.do(http.MethodGet, v1.Prefix+"/openapi.json", "", "")
	var got, want any
	if e.status != http.StatusOK || json.Unmarshal(e.body, &got) != nil || json.Unmarshal(api.Document(), &want) != nil || !cmp.Equal(want, got) {
		t.Errorf("%d %.200s", e.status, e.body)
	}
}
