package attest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

func verdict(d policy.Decision) attest.Verdict {
	return attest.Verdict{
		Decision: d, Image: ref.Ref{Name: "ghcr.io/acme/api", Tag: "1.4.2"}, Digest: digest("a"),
		Manifests: []attest.Manifest{{Platform: "linux/amd64", Digest: digest("b")}, {Platform: "linux/arm64", Digest: digest("a")}},
		Policy:    attest.Policy{Name: "prod <1>@1", Digest: string(digest("c"))}, Version: "1.0.0",
		Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Depth: policy.DepthLayers, Platforms: []string{"linux/amd64"},
		NotAsked: []string{"files"}, Failed: []string{"SIG001"}, Warned: []string{"LAY002"}, AcceptedUndecided: 1,
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	for _, d := range []policy.Decision{policy.Allow, policy.Warn, policy.Deny} {
		b, err := attest.Statement(verdict(d))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, append(b, '\n'), "", "  "); err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + d.String() + ".json"
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-update rewrites it): %s", file, diff)
		}
	}
}

// Only what is known is attested.
func TestStatementsThatAreNotMade(t *testing.T) {
	t.Parallel()
	for _, d := range []policy.Decision{policy.Undecided, 17} {
		if _, err := attest.Statement(verdict(d)); !errors.Is(err, attest.ErrUndecided) {
			t.Errorf("%s: %v", d, err)
		}
	}
	for name, change := range map[string]func(*attest.Verdict){
		"no digest":       func(v *attest.Verdict) { v.Digest = "" },
		"bad digest":      func(v *attest.Verdict) { v.Digest = "sha256:x" },
		"bad manifest":    func(v *attest.Verdict) { v.Manifests[0].Digest = "" },
		"no image":        func(v *attest.Verdict) { v.Image = ref.Ref{} },
		"no policy":       func(v *attest.Verdict) { v.Policy.Name = "" },
		"no policy bytes": func(v *attest.Verdict) { v.Policy.Digest = "" },
		"no time":         func(v *attest.Verdict) { v.Time = time.Time{} },
		"no URI":          func(v *attest.Verdict) { v.Verifier = "me" },
	} {
		v := verdict(policy.Allow)
		change(&v)
		if b, err := attest.Statement(v); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}
