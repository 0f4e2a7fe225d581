package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func sender(t *testing.T, timeout time.Duration) *notify.Sender {
	t.Helper()
	s, err := notify.NewSender(notify.Options{
		Source: "https://intact.example.test", Timeout: timeout, Now: func() time.Time { return now },
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func place(t *testing.T, kind notify.Kind, url, secret string) notify.Place {
	t.Helper()
	p, err := notify.NewPlace("ops", kind, url, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var moved = happening.Happening{ID: "h-1", Type: happening.ImageJudged, At: now, Subject: "r.test/a:1", Title: "denied", Verdict: policy.Deny}

const canary = "CANARY-T0K3N"

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		ok     bool
		retry  bool
		after  time.Duration
	}{
		{name: "200", answer: status(200, "ok"), ok: true},
		{name: "202 without a body, as Workflows", answer: status(202, ""), ok: true},
		{name: "429 with seconds", answer: wait(429, "37"), retry: true, after: 37 * time.Second},
		{name: "429 with a date", answer: wait(429, now.Add(time.Minute).Format(http.TimeFormat)), retry: true, after: time.Minute},
		{name: "429 with a date that has passed", answer: wait(429, now.Add(-time.Minute).Format(http.TimeFormat)), retry: true},
		{name: "429 with years", answer: wait(429, "999999999"), retry: true, after: 24 * time.Hour},
		{name: "429 with nonsense", answer: wait(429, "soon"), retry: true},
		{name: "503 with seconds", answer: wait(503, "5"), retry: true, after: 5 * time.Second},
		{name: "500", answer: status(500, "<html>"), retry: true},
		{name: "408", answer: status(408, ""), retry: true},
		{name: "400", answer: status(400, "invalid_payload")},
		{name: "404", answer: status(404, "no_service")},
		{name: "410", answer: status(410, "")},
		{name: "redirect elsewhere", answer: redirect("http://127.0.0.2:1/x")},
		{name: "redirect on the same host", answer: redirect("/other")},
		{name: "cut", answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, retry: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				tt.answer(w, r)
			}))
			defer srv.Close()
			err := sender(t, 10*time.Second).Send(t.Context(), place(t, notify.Slack, srv.URL+"/hook/"+canary, ""), moved)
			var e *notify.Error
			switch {
			case tt.ok && err != nil, !tt.ok && !errors.As(err, &e):
				t.Fatalf("got %v", err)
			case !tt.ok && (e.Retry != tt.retry || e.After != tt.after):
				t.Errorf("retry %v after %v: %v", e.Retry, e.After, err)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the URL is in %q", err)
			}
		})
	}
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func wait(code int, after string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(code)
	}
}

func redirect(to string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
}

// 500, then 200: the same event is sent again, with its ID and a new time.
func TestAgain(t *testing.T) {
	t.Parallel()
	var ids []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct{ ID string }
		_ = json.NewDecoder(r.Body).Decode(&e)
		if ids = append(ids, e.ID); len(ids) == 1 {
			w.WriteHeader(500)
		}
	}))
	defer srv.Close()
	s, p := sender(t, 10*time.Second), place(t, notify.CloudEvents, srv.URL, "")
	var e *notify.Error
	if err := s.Send(t.Context(), p, moved); !errors.As(err, &e) || !e.Retry {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), p, moved); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[0] != "h-1" || ids[1] != ids[0] {
		t.Errorf("sent %q", ids)
	}
}

func TestReceiverThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	p := place(t, notify.Teams, srv.URL+"/"+canary, "")
	var e *notify.Error
	if err := sender(t, 50*time.Millisecond).Send(t.Context(), p, moved); !errors.As(err, &e) || !e.Retry {
		t.Errorf("the timeout: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sender(t, time.Minute).Send(ctx, p, moved); !errors.Is(err, context.Canceled) {
		t.Errorf("the context: %v", err)
	}
}

// An answer without an end does not hold the sender.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		for r.Context().Err() == nil {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<10))
		}
	}))
	defer srv.Close()
	err := sender(t, 10*time.Second).Send(t.Context(), place(t, notify.Slack, srv.URL, ""), moved)
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("got %v", err)
	}
}

// The receiver's side of the documented signature.
func TestSignature(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	for secret, want := range map[string]bool{string(key): true, "whsec_" + base64.StdEncoding.EncodeToString(key): true, "": false} {
		var header http.Header
		var body []byte
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			header = r.Header.Clone()
			body, _ = io.ReadAll(r.Body)
		}))
		if err := sender(t, 10*time.Second).Send(t.Context(), place(t, notify.CloudEvents, srv.URL, secret), moved); err != nil {
			t.Fatal(err)
		}
		srv.Close()
		if got := header.Get("Content-Type"); got != "application/cloudevents+json; charset=utf-8" {
			t.Errorf("content type %q", got)
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
		good := header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if good != want || want && (header.Get("webhook-timestamp") != fmt.Sprint(now.Unix()) || header.Get("webhook-id") != "h-1") {
			t.Errorf("secret %q: signature %v, headers %v", secret, good, header)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind        notify.Kind
		url, secret string
		ok          bool
	}{
		{notify.Slack, "https://hooks.slack.com/services/" + canary, "", true},
		{notify.Slack, "http://127.0.0.1:80/" + canary, "", true},
		{notify.Slack, "http://[::1]/" + canary, "", true},
		{notify.Slack, "http://localhost/" + canary, "", true},
		{notify.CloudEvents, "http://inside.test:8080/" + canary, "", true},
		{notify.CloudEvents, "https://h.test/" + canary, "whsec_AAAA", true},
		{notify.Slack, "http://hooks.slack.com/" + canary, "", false},
		{notify.Slack, "http://127.0.0.1.evil.test/" + canary, "", false},
		{notify.Slack, "ftp://h.test/" + canary, "", false},
		{notify.Slack, "https:" + canary, "", false},
		{notify.Slack, "https:///" + canary, "", false},
		{notify.Slack, "https://h.test/%zz" + canary, "", false},
		{notify.Slack, " ", "", false},
		{"discord", "https://h.test/" + canary, "", false},
		{notify.Slack, "https://h.test/" + canary, canary, false},
		{notify.CloudEvents, "https://h.test/", "whsec_" + canary + "!", false},
	} {
		_, err := notify.NewPlace("ops", tt.kind, tt.url, tt.secret, []string{"inside.test"})
		if (err == nil) != tt.ok {
			t.Errorf("%s %s: %v", tt.kind, tt.url, err)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("a secret in %q", err)
		}
	}
	if _, err := notify.NewSender(notify.Options{}); err == nil {
		t.Error("a sender without a source")
	}
	if err := sender(t, time.Second).Send(t.Context(), notify.Place{}, moved); err == nil {
		t.Error("the zero place was told")
	}
}

// No way of printing a place, and no error, shows a part of its URL or its secret.
func TestURLIsASecret(t *testing.T) {
	t.Parallel()
	host := "canary-host.invalid"
	p := place(t, notify.CloudEvents, "https://user"+canary+":pass"+canary+"@"+host+"/a/"+canary+"%2Fx?sig="+canary+"%2B&"+canary+"=1", "key"+canary)
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "place", p, "many", []notify.Place{p}, "in", struct{ P notify.Place }{p})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", p, &p, struct{ P notify.Place }{p})
	}
	text, err := json.Marshal(map[string]any{"place": p})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	// A receiver that says back what it was asked.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		fmt.Fprintf(w, "%s %s %s", r.URL.Path, r.URL.RawQuery, r.URL.Query().Get("sig"))
	}))
	defer srv.Close()
	err = sender(t, 10*time.Second).Send(t.Context(), place(t, notify.Slack, srv.URL+"/s/"+canary+"?sig="+canary+"%2B", ""), moved)
	fmt.Fprintf(&out, "%v %+v %#v", err, err, err)
	// A connection that fails.
	srv.Close()
	err = sender(t, 10*time.Second).Send(t.Context(), place(t, notify.Slack, srv.URL+"/s/"+canary, ""), moved)
	fmt.Fprintf(&out, "%v %+v %#v", err, err, err)
	for _, secret := range []string{canary, host} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in %s", secret, out.String())
		}
	}
}

// A name in the config cannot lead to metadata services.
func TestReservedAddresses(t *testing.T) {
	t.Parallel()
	var e *notify.Error
	err := sender(t, 10*time.Second).Send(t.Context(), place(t, notify.Slack, "https://169.254.169.254/latest", ""), moved)
	if !errors.As(err, &e) || e.Retry {
		t.Errorf("got %v", err)
	}
}

// Whoever chooses a long name for an image does not choose that nobody hears of it.
func TestLongNames(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e struct {
			ID   string
			Data happening.Happening
		}
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil || len(e.ID) > 256 || e.ID != r.Header.Get("Webhook-Id") || len(e.Data.ID) < 1000 {
			t.Errorf("id %q, header %q, data %q: %v", e.ID, r.Header.Get("Webhook-Id"), e.Data.ID, err)
		}
		ids[e.ID] = true
	}))
	defer s.Close()
	h := moved
	for _, n := range []string{"1", "2", "2"} { // the last is sent again
		h.ID = "judge r.test/" + strings.Repeat("a", 1000) + ":1 " + n
		if err := sender(t, time.Second).Send(t.Context(), place(t, notify.CloudEvents, s.URL, "secret"), h); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("ids: %v", ids)
	}
}
