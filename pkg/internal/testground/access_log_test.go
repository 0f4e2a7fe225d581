package testground

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var log accessLog
	for _, part := range []string{
		"127.0.0.1 - - [23/Nov/2026:21:02:30 +0000] \"GET /v2/ HTTP/1.1\" 200 2 \"\" \"skopeo/1.9.3\"\n127.0.0.1 - - [23/Nov",
		"/2026:21:02:30 +0000] \"HEAD /v2/app/manifests/1.0?a=b HTTP/1.1\" 404 157 \"\" \"x\"\nsomething else\n",
		"127.0.0.1 - - [23/Nov/2026:21:02:31 +0000] \"GET /v2/end-of-requests HTTP/1.1\" 404 19 \"\" \"x\"\n",
	} {
		if got, ok := log.take(); ok {
			t.Fatalf("without the end mark: %v", got)
		}
		if _, err := log.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	want := []Request{{"GET", "/v2/", 200}, {"HEAD", "/v2/app/manifests/1.0?a=b", 404}}
	got, ok := log.take()
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("requests (-want +got), end mark seen %v:\n%s", ok, diff)
	}
	if got, ok := log.take(); ok {
		t.Errorf("a second call gives %v, want none", got)
	}
}
