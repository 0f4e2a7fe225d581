package webhook_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// allowed are the only reasons that are counted.
var allowed = map[webhook.Reason]bool{
	webhook.Accepted: true, webhook.Duplicate: true, webhook.Handshake: true, webhook.Nothing: true,
	webhook.NotAPush: true, webhook.NotAnImage: true, webhook.Failed: true, webhook.OtherRegistry: true, webhook.OtherRepository: true,
	webhook.InvalidName: true, webhook.InvalidDigest: true, webhook.InvalidEvent: true,
	webhook.UnknownEndpoint: true, webhook.BadMethod: true, webhook.BadType: true, webhook.Encoded: true, webhook.TooLarge: true, webhook.TooMany: true,
	webhook.TooSlow: true, webhook.Cut: true, webhook.Malformed: true, webhook.NoCredential: true, webhook.BadCredential: true, webhook.Expired: true,
	webhook.Replayed: true, webhook.NoKeys: true, webhook.Busy: true, webhook.InboxFull: true, webhook.InboxFailed: true, webhook.Unsupported: true,
}

// Nothing of a secret, a body, a header or a path comes out: not in an answer,
// not in a count, not in the log, whatever is wrong with a request.
func TestNothingOfARequestComesOut(t *testing.T) {
	var logged bytes.Buffer
	before, out, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before); log.SetOutput(out); log.SetFlags(flags) })
	bodies := []string{
		"canary", `{"canary":"canary"`, `["canary"]`, `{"events":["canary"]}`, `{"type":"canary","event_data":"canary"}`, `{"image":"canary/canary:canary@canary"}`,
		`{"push_data":{"tag":"canary"},"repository":{"repo_name":"CANARY/canary"}}`, `{"repository":"canary/..","updated_tags":["canary"]}`, strings.Repeat("[", 100) + "canary",
		`payload=canary`, `[{"eventType":"canary","data":{"validationCode":"canary canary"}}]`,
	}
	k := &keeper{}
	list := endpoints(t, sources)
	h := handler(t, k, sources)
	for _, e := range list {
		for _, path := range []string{"/hooks/" + e.Name, "/hooks/" + e.Name + "/" + secretText, "/hooks/" + e.Name + "/canary", "/hooks/canary/canary", "/canary"} {
			for _, body := range bodies {
				for _, method := range []string{http.MethodPost, http.MethodOptions, "CANARY"} {
					if method != http.MethodPost && body != bodies[0] {
						continue
					}
					for _, credential := range []string{"canary", "Bearer " + secretText, secretText} {
						for _, fail := range []error{nil, webhook.ErrFull, errors.New("canary: " + secretText)} {
							if fail != nil && !strings.Contains(body, "image") {
								continue
							}
							k.fail = fail
							r := post(t, path, body, "Authorization", credential, "X-Api-Key", credential, "X-Hub-Signature-256", "sha256=canary",
								"X-Intact-Signature", sign(body), "X-Gitea-Signature", sign(body)[7:], "X-Gitea-Event", "package", "X-GitHub-Event", "package", "Ce-Type", "zotregistry.image.updated",
								"WebHook-Request-Origin", "canary canary", "WebHook-Request-Callback", "http://canary/")
							r.Method = method
							spill(t, e.Name, ask(t, h, r))
						}
					}
				}
			}
		}
	}
	for key := range k.counts {
		endpoint, reason, _ := strings.Cut(key, "/")
		if !allowed[webhook.Reason(reason)] || endpoint != "" && !names(list)[endpoint] {
			t.Errorf("counted: %q", key)
		}
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
	if got := webhook.Redact("/hooks/hub/" + secretText); got != "/hooks/hub/…" {
		t.Error(got)
	}
	for _, path := range []string{"//hooks/hub/", "/hooks//hub/", "/Hooks/hub/", "/x/hooks/hub/", "/hooks/hub;"} {
		if got := webhook.Redact(path + secretText); strings.Contains(got, secretText) || !strings.Contains(got, "hub/…") {
			t.Errorf("%q is shown as %q", path+secretText, got)
		}
	}
	token := strings.Repeat("a-Z9_", 7)
	for path, want := range map[string]string{
		"/hook/hub/" + token: "/hook/hub/…", "/hooks/" + token: "/hooks/…", "/" + token: "/…",
		"/api/v1/images/sha256:" + strings.Repeat("a", 64) + "/verdict": "/api/v1/images/sha256:" + strings.Repeat("a", 64) + "/verdict",
	} {
		if got := webhook.Redact(path); got != want {
			t.Errorf("%s", got)
		}
	}
	if got := webhook.Redact("/hooks/hub"); got != "/hooks/hub" {
		t.Error(got)
	}
}

func spill(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	if text := fmt.Sprint(w.Code, w.Header(), w.Body); strings.Contains(strings.ToLower(text), "canary") {
		t.Fatalf("%s: %s", name, text)
	}
}
