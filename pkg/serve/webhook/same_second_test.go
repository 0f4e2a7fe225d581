package webhook_test

import (
	"net/http"
	"strings"
	"testing"
)

// Who moves a tag away and back within a second sends the first body again. That
// it is a duplicate would leave the tag at what it was in between.
func TestAPushThatIsRepeatedWithinASecondIsNoDuplicate(t *testing.T) {
	t.Parallel()
	all := decoders(t)
	const one = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	for kind, body := range map[string]string{
		"harbor":    `{"type":"PUSH_ARTIFACT","occur_at":1586922308,"event_data":{"repository":{"repo_full_name":"acme/app"},"resources":[{"digest":"` + one + `","tag":"1"}]}}`,
		"dockerhub": `{"push_data":{"pushed_at":1417566161,"tag":"1"},"repository":{"repo_name":"acme/app"}}`,
		"aliyun":    `{"push_data":{"digest":"` + one + `","pushed_at":"2016-12-20 12:00:00","tag":"1"},"repository":{"repo_full_name":"acme/app","region":"cn-hangzhou"}}`,
		"generic":   `{"image":"ghcr.io/acme/app:1","time":"2026-01-02T03:04:05Z"}`,
	} {
		d, err := all[kind].Decode(http.Header{}, []byte(body))
		if err != nil || d.Key != "" {
			t.Errorf("%s: key %q, %v", kind, d.Key, err)
		}
	}
}

func TestOneRunThatPushesSeveralImagesIsSeveralDeliveries(t *testing.T) {
	t.Parallel()
	all := decoders(t)
	keys := map[string]string{}
	for _, body := range []string{
		`{"id":"run-1","image":"ghcr.io/acme/app:1"}`,
		`{"id":"run-1","image":"ghcr.io/acme/app:2"}`,
		`{"id":"run-1","image":"ghcr.io/acme/app:2","action":"delete"}`,
		`{"events":[{"id":"run-1","image":"ghcr.io/acme/app:3"}]}`,
	} {
		d, err := all["generic"].Decode(http.Header{}, []byte(body))
		if err != nil || !strings.HasPrefix(d.Key, "id-") {
			t.Fatalf("%s: key %q, %v", body, d.Key, err)
		}
		if keys[d.Key] != "" {
			t.Errorf("%s is taken for %s", body, keys[d.Key])
		}
		keys[d.Key] = body
	}
	again, _ := all["generic"].Decode(http.Header{}, []byte(` {"image":"ghcr.io/acme/app:1","id":"run-1"}`))
	if keys[again.Key] == "" {
		t.Error("what is sent again is not known")
	}
}
