package scan_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/registry"
)

// A dialogue is one scan of a signed index with all of its platforms, through a
// proxy.
type dialogue struct {
	dialogueSpec
	proxy   *proxy
	host    string
	target  string // what follows the host
	files   map[string][]byte
	sigTags []string // where the good signatures are
	cache   *gather.ContentCache
}

type dialogueSpec struct {
	name   string
	level  string // of the signature rule; "" = no rule
	pinned bool   // by digest
	cached bool   // what was read once is kept
	single bool   // a manifest, no index
	depth  policy.Depth
}

func dialogueSpecs() []dialogueSpec {
	return []dialogueSpec{
		{name: "unsigned", depth: policy.DepthLayers},
		{name: "signed_index", level: "index", depth: policy.DepthLayers},
		{name: "signed_children", level: "child", depth: policy.DepthLayers},
		{name: "pinned", level: "index-or-child", pinned: true, depth: policy.DepthLayers},
		{name: "cached", level: "index", cached: true, depth: policy.DepthLayers},
		{name: "single", level: "both", single: true, depth: policy.DepthLayers},
		{name: "manifests_only", depth: policy.DepthManifest},
	}
}

func newDialogue(t *testing.T, spec dialogueSpec) *dialogue {
	t.Helper()
	e := newEngine(t, "")
	content := testimage.Spec{Images: []testimage.Image{appOn("linux/amd64")}}
	if !spec.single {
		content.Images = append(content.Images, appOn("linux/arm64"))
	}
	built := build(t, content)
	e.put(t, "acme/app", "1.0.0", built)
	p := &proxy{upstream: e.server.Host, n: -1}
	srv := httptest.NewUnstartedServer(p)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); p.client.CloseIdleConnections() })
	d := &dialogue{proxy: p, host: srv.Listener.Addr().String(), target: "acme/app:1.0.0", dialogueSpec: spec}
	if spec.cached {
		cache, err := gather.OpenCache(t.TempDir(), filepath.Join(t.TempDir(), "key"), func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cache.Close() })
		d.cache = cache
	}
	if spec.pinned {
		d.target = "acme/app@" + string(built.Root.Descriptor.Digest)
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	d.files = map[string][]byte{"cosign.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
	subjects := []ref.Digest{built.Root.Descriptor.Digest}
	if spec.level == "child" {
		subjects = nil
		for _, i := range built.Images {
			subjects = append(subjects, i.Manifest.Descriptor.Digest)
		}
	}
	for _, subject := range subjects {
		s, err := testimage.CosignSignature(key, d.host+"/acme/app", subject)
		if err != nil {
			t.Fatal(err)
		}
		e.put(t, "acme/app", testimage.SigTag(subject), s)
		d.sigTags = append(d.sigTags, testimage.SigTag(subject))
	}
	return d
}

func (d *dialogue) options(t *testing.T) scan.Options {
	t.Helper()
	text := fmt.Sprintf("schema: intact.policy/v1\nname: test\nextends: strict@1\ndepth: %s\n", d.depth)
	if d.level != "" {
		text += fmt.Sprintf("signatures:\n  - images: [%q]\n    level: %s\n    anyOf: [{name: k, key: cosign.pub, transparencyLog: not-required}]\n",
			d.host+"/acme/{repo}", d.level)
	}
	o := optionsFor(t, text, d.files)
	o.Jobs, o.Select, o.Depth = 1, image.Selection{All: true}, d.depth
	if d.cache != nil {
		o.Documents = d.cache
	}
	return o
}

func (d *dialogue) scan(t *testing.T, o scan.Options) *report.Report {
	t.Helper()
	src, err := registry.New(registry.Options{Keychain: registry.Anonymous{}, PlainHTTP: []string{d.host}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	o.Layers = gather.NewLayers(1, d.cache, nil)
	return scan.Run(t.Context(), []scan.Target{registryTarget(t, src, d.host+"/"+d.target)}, o)
}

// irrelevant says why an answer to request, spoiled in the way how, has no part in
// what an allowing verdict claims, or "":
//
//   - a Docker-Content-Digest that is missing, or that lies about what was asked
//     for by digest: the bytes are hashed; only what is said of a tag counts;
//   - the Content-Type of a blob, or of an answer to HEAD: the descriptor says what
//     it is;
//   - without a rule, whatever is said of signatures;
//   - with a rule that is met, places other than that of the good signatures;
//   - of such a place what is not signed: the manifest that carries a signature
//     which verified all the same.
func (d *dialogue) irrelevant(request, how string, r *report.Report) string {
	path := request[strings.Index(request, " ")+1:]
	place := path[strings.LastIndex(path, "/")+1:]
	switch {
	case how == noDigest, how == lyingDigest && strings.Contains(place, ":"):
		return "the header is a hint"
	case how == lyingType && (strings.Contains(path, "/blobs/") || strings.HasPrefix(request, "HEAD ")):
		return "the type is the descriptor's"
	case !strings.Contains(path, "/referrers/") && !strings.HasPrefix(place, "sha256-"):
		return ""
	case d.level == "":
		return "no rule asks for signatures"
	case !slices.Contains(d.sigTags, place):
		return "the good signature is elsewhere"
	case verified(r):
		return "what carries a signature is not signed, and the signature verified"
	}
	return ""
}

func verified(r *report.Report) bool {
	return strings.Contains(strings.Join(r.Images[0].Summary.Signed.Text, " "), "verified: key ")
}

// An answer that was spoiled and asked for only once must not end in a verdict
// that lets the image through: then something was claimed that was not seen. It
// may if the answer has no part in what is claimed; irrelevant says which.
func TestNoSpoiledAnswerLetsAnImageThrough(t *testing.T) {
	t.Parallel()
	const rounds = 45 // per dialogue
	for i, spec := range dialogueSpecs() {
		t.Run(spec.name, func(t *testing.T) {
			t.Parallel()
			d := newDialogue(t, spec)
			o := d.options(t)
			honest := func() (string, []string) {
				d.proxy.set(-1, mutation{}, nil)
				r := d.scan(t, o)
				if r.Verdict != policy.Allow {
					t.Fatalf("the good dialogue: %s: %v", r.Verdict, r.Targets[0].Verdict.Reasons)
				}
				asked, _, _ := d.proxy.state()
				return asJSON(t, r), asked
			}
			if spec.cached {
				honest()
			}
			before, asked := honest()
			random := rand.New(rand.NewPCG(uint64(i), 20261123))
			all := mutations()
			judged, through := 0, map[string]int{}
			for round := 0; judged < rounds && round < 20*rounds; round++ {
				n, how := random.IntN(len(asked)), all[random.IntN(len(all))]
				d.proxy.set(n, how, random)
				r := d.scan(t, o)
				_, hit, times := d.proxy.state()
				if hit == "" {
					continue // nothing was changed
				}
				judged++
				if r.Verdict.Refuses() {
					continue
				}
				why := d.irrelevant(hit, how.name, r)
				if why == "" && times > 1 {
					why = "it was asked for again"
				}
				if why == "" {
					t.Errorf("round %d: %s of answer %d, %s: %s", round, how.name, n, hit, r.Verdict)
				}
				through[why]++
			}
			if judged < rounds {
				t.Errorf("only %d of %d rounds changed anything", judged, rounds)
			}
			if after, _ := honest(); after != before {
				t.Errorf("what was spoiled left a trace:\n%s", cmp.Diff(before, after))
			}
			t.Logf("%d requests; let through: %v", len(asked), through)
		})
	}
}

func asJSON(t *testing.T, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
