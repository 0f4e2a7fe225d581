package webhook_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const grid = `
  - {name: grid, kind: acr-eventgrid, registry: one.azurecr.io, repositories: [one.azurecr.io/**], auth: {type: path, secretEnv: X}}
  - {name: own, kind: generic, registry: ghcr.io, repositories: [ghcr.io/acme/**], auth: {type: hmac, secretEnv: X}}
`

const validation = `[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"ABC-1","validationUrl":"http://127.0.0.1:1/"}}]`

func TestEventGridIsAnsweredOnceItIsAuthentic(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	h := handler(t, k, grid)
	w := ask(t, h, post(t, "/hooks/grid/"+secretText, validation, "Aeg-Event-Type", "SubscriptionValidation"))
	var answer map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatal(w.Code, err)
	}
	if diff := cmp.Diff(map[string]string{"validationResponse": "ABC-1"}, answer); diff != "" || len(k.kept) > 0 || k.counts["grid/handshake"] != 1 {
		t.Error(diff, k.kept, k.counts)
	}
	if w := ask(t, h, post(t, "/hooks/grid/x", validation)); w.Code != 401 || strings.Contains(w.Body.String(), "ABC") {
		t.Error(w.Code, w.Body)
	}
}

func TestCloudEventsAreAllowedToSend(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		path, origin, rate string
		status             int
		allowed            string
	}{
		{"/hooks/grid/" + secretText, "eventgrid.azure.net", "120", 200, "*"},
		{"/hooks/grid/x", "eventgrid.azure.net", "", 401, ""},
		{"/hooks/grid", "eventgrid.azure.net", "", 401, ""},
		{"/hooks/grid/" + secretText, "evil.example", "", 400, ""},
		{"/hooks/own", "events.acme.example", "", 200, ""},
		{"/hooks/own", "a\r\nb", "", 400, ""},
		{"/hooks/own", "", "", 400, ""},
	} {
		k := &keeper{}
		r := post(t, row.path, "", "WebHook-Request-Origin", row.origin, "WebHook-Request-Callback", "http://127.0.0.1:1/")
		r.Method = http.MethodOptions
		if row.rate != "" {
			r.Header.Set("WebHook-Request-Rate", row.rate)
		}
		w := ask(t, handler(t, k, grid), r)
		origin := ""
		if row.status == 200 {
			origin = row.origin
		}
		got := []any{w.Code, w.Header().Get("WebHook-Allowed-Origin"), w.Header().Get("WebHook-Allowed-Rate")}
		if diff := cmp.Diff([]any{row.status, origin, row.allowed}, got); diff != "" || len(k.kept) > 0 {
			t.Errorf("%s %s: %s", row.path, row.origin, diff)
		}
	}
}
