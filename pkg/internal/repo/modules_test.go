package repo

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// A floor is the lowest version of a module that is safe to link, and why.
type floor struct {
	module, version, why string
}

var floors = []floor{
	{"github.com/sigstore/cosign/v2", "v2.6.5", "GHSA-fx35-mq7g-6g98: key taken from the bundle"},
	{"github.com/sigstore/sigstore-go", "v1.2.1", "CVE-2026-54787: signing time not compared with the key's validity"},
	{"github.com/google/go-containerregistry", "v0.22.1", "realm and redirect handling, digest check while extracting"},
	{"github.com/theupdateframework/go-tuf/v2", "v2.4.1", "CVE-2026-23991, CVE-2026-23992, CVE-2026-24686"},
	{"github.com/sigstore/sigstore", "v1.10.4", "CVE-2026-24137: TUF client writes outside of its cache"},
	{"github.com/sigstore/timestamp-authority/v2", "v2.0.6", "CVE-2026-39984: certificate check of the verifier"},
	{"github.com/sigstore/rekor", "v1.5.2", "CVE-2026-48702: parsers are linked into clients"},
	{"github.com/klauspost/compress", "v1.18.7", "GHSA-259r-337f-4rfw: read out of bounds"},
	{"github.com/go-jose/go-jose/v4", "v4.1.4", "CVE-2026-34986: panic"},
	{"oras.land/oras-go/v2", "v2.6.2", "CVE-2026-48978: credentials to another realm"},
	{"github.com/containerd/containerd/v2", "v2.3.2", "CRI vulnerabilities of 2026"},
}

// banned modules have a hole that no version closes.
var banned = map[string]string{
	"github.com/chrismellard/docker-credential-acr-env": "GO-2026-6225: sends a token to hosts that only look like ACR",
}

// minimumGo has the fixes of archive/tar, os.Root and crypto/x509 of 2026.
const minimumGo = "1.26.0"

// go.mod lists every module that is linked, direct or not, at the version that
// is selected.
func TestModules(t *testing.T) {
	t.Parallel()
	name := filepath.Join(root, "go.mod")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := modfile.Parse(name, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Module.Mod.Path != module {
		t.Errorf("module %s, want %s", m.Module.Mod.Path, module)
	}
	if semver.Compare("v"+m.Go.Version, "v"+minimumGo) < 0 {
		t.Errorf("go %s; at least %s is needed", m.Go.Version, minimumGo)
	}
	for _, r := range m.Replace {
		t.Errorf("go.mod replaces %s: users of the module would get another one", r.Old.Path)
	}
	have := map[string]string{}
	for _, r := range m.Require {
		have[r.Mod.Path] = r.Mod.Version
		if why, ok := banned[r.Mod.Path]; ok {
			t.Errorf("go.mod requires %s: %s", r.Mod.Path, why)
		}
	}
	for _, f := range floors {
		if v, ok := have[f.module]; ok && semver.Compare(v, f.version) < 0 {
			t.Errorf("%s %s is below %s: %s", f.module, v, f.version, f.why)
		}
	}
	for _, f := range floors[:4] {
		if _, ok := have[f.module]; !ok {
			t.Errorf("%s is not required: is its floor still needed?", f.module)
		}
	}
}
