//go:build e2e && linux

package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// TestE2E runs the program against real registries and the real cosign.
func TestE2E(t *testing.T) {
	g := newGround(t)
	for name, test := range map[string]func(*testing.T, *ground){
		"big image":             testBigImage,
		"second scan":           testSecondScan,
		"cosign v2":             testCosignV2,
		"cosign v3":             testCosignV3,
		"unsigned":              testUnsigned,
		"wrong key":             testWrongKey,
		"replayed":              testReplayed,
		"index":                 testIndex,
		"tampered first":        testTamperedFirst,
		"tampered later":        testTamperedLater,
		"gone layer":            testGoneLayer,
		"before a push":         testBeforePush,
		"interrupted":           testInterrupted,
		"hostile registry":      testHostile,
		"hostile with key":      testHostileReferrers,
		"hostile before a push": testHostileDestination,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, g)
		})
	}
}

func testBigImage(t *testing.T, g *ground) {
	if os.Geteuid() != 0 {
		t.Skip("making the big image needs root")
	}
	layout := must(testground.BigImage(t.Context()))(t)
	ref := g.registry.Ref("debian/tools:1.0.0")
	ok(t, testground.Push(t.Context(), layout, testground.BigImageTag, ref))

	s := g.scan(t, ref)
	s.want(t, 0, nil, "ALLOWED", "every byte hashed", "7 layers", "LAY002")
	for _, check := range []string{"DIG001", "DIG002", "DIG003", "DIG004", "DIG006", "DIG008", "REF005", "TAG001"} {
		for _, r := range s.results(check) {
			if r.Outcome != "pass" {
				t.Errorf("%s on an image of Debian's own packages: %+v", check, r)
			}
		}
		if len(s.results(check)) == 0 {
			t.Errorf("%s was not asked", check)
		}
	}
	// Strict denies what baseline warns about; the bytes are as good.
	strict := g.scan(t, "--policy", "strict", ref)
	if strict.code != 1 || len(strict.results("DIG003")) == 0 || strict.results("DIG003")[0].Outcome != "pass" {
		t.Errorf("strict: exit code %d, DIG003 %+v\n%s", strict.code, strict.results("DIG003"), strict.stdout)
	}
}

// A second scan asks for the tag and for signatures, and for nothing else.
func testSecondScan(t *testing.T, shared *ground) {
	g := shared.atHome(t)
	g.registry = startRegistry(t) // its log is read
	_, ref := g.push(t, app("second"), "app:1.0.0")
	g.scan(t, ref).want(t, 0, nil, "every byte hashed")
	must(g.registry.Requests(t.Context()))(t)
	g.scan(t, ref).want(t, 0, nil, "bytes seen")
	var tag []string
	for _, r := range must(g.registry.Requests(t.Context()))(t) {
		if strings.HasSuffix(r.Path, "/manifests/1.0.0") {
			tag = append(tag, r.Method)
		}
		if strings.Contains(r.Path, "/blobs/") && r.Method == http.MethodGet {
			t.Errorf("the second scan asks again: %s %s", r.Method, r.Path)
		}
	}
	if diff := cmp.Diff([]string{http.MethodGet, http.MethodHead}, tag); diff != "" {
		t.Errorf("requests for the tag (-want +got):\n%s", diff)
	}

	// A cache of another user, or one that was written to, is no cache.
	g.atHome(t).scan(t, "--cache-dir", filepath.Join(g.home, "cache", "intact"), ref).want(t, 0, nil, "every byte hashed")
}

// A local image is judged under the name it will be pushed to.
func testBeforePush(t *testing.T, g *ground) {
	g.push(t, app("released"), "push/app:1.4.2")
	to := g.registry.Ref("push/app")
	layout := func(spec testimage.Spec) string {
		dir := t.TempDir()
		ok(t, testimage.WriteLayout(dir, testimage.Entry{Built: must(testimage.Build(spec))(t), Name: "x"}))
		return "oci:" + dir
	}
	other := layout(app("rebuilt"))
	g.scan(t, "--as", to+":1.4.2", other).want(t, 1, []string{"TAG006"}, "DENIED", "1.4.2")
	g.scan(t, "--as", to+":1.4.3", other).want(t, 0, nil, "ALLOWED")
	g.scan(t, "--as", to+":1.4.2", layout(app("released"))).want(t, 0, nil, "ALLOWED")
	g.push(t, app("released"), "push/app:latest")
	g.scan(t, "--as", to+":latest", other).want(t, 0, nil, "ALLOWED") // it floats
	s := g.scan(t, "--as", "127.0.0.1:1/push/app:1.4.2", other)       // nobody listens there
	s.want(t, 3, nil, "UNDECIDED")
}
