package kubernetes

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// reportsAt are the reports of a server, and what it was asked.
func reportsAt(t *testing.T, o Options, answer func(w http.ResponseWriter, r *http.Request)) (*Collection, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	f := &fake{t: t, url: s.URL}
	return f.open(o).Collection("openreports.io/v1alpha1", "Report", "reports", true), &asked
}

func TestCollection(t *testing.T) {
	t.Parallel()
	l, asked := reportsAt(t, Options{PageSize: 1}, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		case r.URL.Query().Get("continue") == "2":
			_, _ = io.WriteString(w, `{"kind":"ReportList","apiVersion":"openreports.io/v1alpha1","metadata":{},"items":[]}`)
			return
		case r.Method == http.MethodGet && r.URL.Query().Get("limit") != "":
			_, _ = io.WriteString(w, `{"kind":"ReportList","apiVersion":"openreports.io/v1alpha1","metadata":{"continue":"2"},"items":[{"metadata":{"name":"a"}}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"answered":true}`)
	})
	var got []string
	if err := l.List(t.Context(), "a=b", func(raw []byte) error { got = append(got, string(raw)); return nil }); err != nil || !slices.Equal(got, []string{`{"metadata":{"name":"a"}}`}) {
		t.Errorf("listed %q, %v", got, err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		var body []byte
		if method != http.MethodGet {
			body = []byte(method)
		}
		if b, err := l.Send(t.Context(), method, "shop", "cart", body); err != nil || string(b) != `{"answered":true}` {
			t.Errorf("%s: %q, %v", method, b, err)
		}
	}
	const at = "/apis/openreports.io/v1alpha1"
	if diff := cmp.Diff([]string{
		"GET " + at + "/reports?labelSelector=a%3Db&limit=1", "GET " + at + "/reports?continue=2&labelSelector=a%3Db&limit=1",
		"GET " + at + "/namespaces/shop/reports/cart", "POST " + at + "/namespaces/shop/reports POST",
		"PUT " + at + "/namespaces/shop/reports/cart PUT", "DELETE " + at + "/namespaces/shop/reports/cart DELETE",
	}, *asked); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][3]string{{"PATCH", "shop", "cart"}, {"GET", "", "cart"}, {"GET", "shop", ""}, {"DELETE", "shop", ".."}, {"DELETE", "a/b", "c"}} {
		if _, err := l.Send(t.Context(), bad[0], bad[1], bad[2], nil); !errors.Is(err, errProtocol) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if len(*asked) != 6 {
		t.Errorf("asked %q", *asked)
	}
}

// What fails says so, with its cause; what may pass is tried again.
func TestCollectionFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, n int)
		method string
		cause  fact.Cause // "" = it goes well
		status int
		times  int
	}{
		"conflict":  {answered(http.StatusConflict), http.MethodPut, fact.ServerError, 409, 1},
		"forbidden": {answered(http.StatusForbidden), http.MethodPost, fact.Forbidden, 403, 1},
		"gone":      {answered(http.StatusNotFound), http.MethodGet, fact.NotFound, 404, 1},
		"redirect":  {answered(http.StatusTemporaryRedirect), http.MethodPut, fact.ServerError, 307, 1},
		"busy": {func(w http.ResponseWriter, r *http.Request, n int) {
			if n < 3 {
				answered(http.StatusTooManyRequests)(w, r, n)
			}
		}, http.MethodPost, "", 0, 3},
		"cut short": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, http.MethodGet, fact.CutShort, 0, 1},
	} {
		n := 0
		l, _ := reportsAt(t, Options{}, func(w http.ResponseWriter, r *http.Request) { n++; tt.answer(w, r, n) })
		_, err := l.Send(t.Context(), tt.method, "shop", "cart", []byte("{}"))
		var s interface{ Status() int }
		code := 0
		if errors.As(err, &s) {
			code = s.Status()
		}
		if (err == nil) != (tt.cause == "") || err != nil && image.CauseOf(err) != tt.cause || code != tt.status || n != tt.times {
			t.Errorf("%s: %v after %d; status %d", name, err, n, code)
		}
		if tt.cause == fact.Forbidden && !strings.Contains(image.HintOf(err), "create on reports.openreports.io") {
			t.Errorf("%s: hint %q", name, image.HintOf(err))
		}
	}
	l, _ := reportsAt(t, Options{}, func(w http.ResponseWriter, r *http.Request) { answered(http.StatusNotFound)(w, r, 0) })
	var s interface{ Status() int }
	if err := l.List(t.Context(), "", func([]byte) error { return nil }); !errors.As(err, &s) || s.Status() != http.StatusNotFound {
		t.Errorf("no such API: %v", err)
	}
}

func answered(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		status(w, code, metav1.StatusReasonUnknown, "no", nil)
	}
}

// Owners come with what finds them.
func TestWorkloadsAreObjects(t *testing.T) {
	t.Parallel()
	f := restless(t)
	f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
	f.add(pods, appPod("alone", nil))
	got := map[string]string{}
	inv, err := f.open(Options{}).Observe(t.Context(), func(c observe.Container) {
		w := c.Workload
		got[c.Pod] = fmt.Sprintf("%s %s %s %s", w.APIVersion, w.Kind, w.Name, w.UID)
	})
	if err != nil || len(inv.Gaps) != 0 {
		t.Fatal(err, inv.Gaps)
	}
	want := map[string]string{
		"alone": "   ", "rs": "apps/v1 Deployment web d", "sts": "apps/v1 StatefulSet sts " + string(uid("StatefulSet/shop/sts")),
		"ds":  "apps/v1 DaemonSet ds " + string(uid("DaemonSet/shop/ds")),
		"job": "batch/v1 CronJob cron " + string(uid("CronJob/shop/cron")), "rc": "v1 ReplicationController rc " + string(uid("ReplicationController/shop/rc")),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is not seen of pods says whose pods may be missing.
func TestGapsThatHide(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		deny func(call) bool
		o    Options
		want []string // namespaces
	}{
		"one namespace": {func(c call) bool { return c.resource == "pods" && c.namespace == "pay" }, Options{Namespaces: []string{"pay", "shop"}}, []string{"pay"}},
		"owners":        {func(c call) bool { return c.resource == "replicasets" }, Options{}, nil},
		"all, later":    {func(c call) bool { return c.resource == "pods" && c.token != "" }, Options{PageSize: 1}, []string{"pay", "shop"}},
	} {
		f := newFake(t)
		f.add(namespaces, &corev1.Namespace{ObjectMeta: meta("", "pay", nil, nil)}, &corev1.Namespace{ObjectMeta: meta("", "shop", nil, nil)})
		f.add(nodes, &corev1.Node{ObjectMeta: meta("", "n1", nil, nil)})
		f.add(pods, appPod("one", nil), appPod("two", nil))
		f.deny = tt.deny
		inv, err := f.open(tt.o).Observe(t.Context(), func(observe.Container) {})
		if err != nil || len(inv.Gaps) != 1 {
			t.Fatal(name, err, inv.Gaps)
		}
		var got []string
		for _, ns := range []string{"pay", "shop"} {
			if inv.Gaps[0].Hides(ns) {
				got = append(got, ns)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %q: %s", name, inv.Gaps[0].What, diff)
		}
	}
}
