package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/ref"
)

// Only a server that has a ledger can say that a tag was never seen.
func TestHistoryOfAServer(t *testing.T) {
	t.Parallel()
	const one = `{"repository":"ghcr.io/acme/api","tag":"1","transitions":[{"seq":4,"to":"sha256:0000000000000000000000000000000000000000000000000000000000000000","at":"2026-11-26T00:00:00Z","source":"scan"}],"checkpoint":{}}`
	for name, tt := range map[string]struct {
		status int
		body   string
		says   string // "" = an error
	}{
		"seen":         {http.StatusOK, one, "sha256:0000"},
		"never seen":   {http.StatusOK, `{"repository":"ghcr.io/acme/api","tag":"1","transitions":[],"checkpoint":{}}`, "was never seen"},
		"API is off":   {http.StatusNotFound, `{"title":"Not Found","status":404,"detail":"the API is off"}`, ""},
		"other server": {http.StatusNotFound, "<html>", ""},
		"refused":      {http.StatusUnauthorized, `{"title":"Unauthorized","status":401}`, ""},
		"broken":       {http.StatusOK, "{", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		t.Cleanup(server.Close)
		record, err := askServer(program{env: func(string) (string, bool) { return strings.Repeat("t", 32), true }}, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		r, err := ref.Parse("ghcr.io/acme/api:1")
		if err != nil {
			t.Fatal(err)
		}
		err = (&historyOutput{w: &out}).history(t.Context(), record, r)
		if (err != nil) != (tt.says == "") || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: error %v, printed %q", name, err, out.String())
		}
	}
}
