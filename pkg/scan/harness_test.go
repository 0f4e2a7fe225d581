package scan_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/policies"
)

var testNow = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func testClock() time.Time { return testNow }

// An engine is a registry, a reader of it, and options to scan with.
type engine struct {
	server  *testregistry.Server
	source  *registry.Source
	options scan.Options
}

func newEngine(t *testing.T, policyText string) *engine {
	t.Helper()
	src, err := registry.New(registry.Options{Keychain: registry.Anonymous{}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(src.Close)
	return &engine{
		server: testregistry.New(t, testregistry.Options{}), source: src,
		options: optionsFor(t, policyText, nil),
	}
}

// optionsFor are options that read everything, for images for linux/amd64.
func optionsFor(t *testing.T, policyText string, files map[string][]byte) scan.Options {
	t.Helper()
	p := loadPolicy(t, policyText, files)
	return scan.Options{
		Policy: p, Checks: checks.All(), Now: testNow, Clock: testClock, Depth: policy.DepthLayers,
		Select: image.Selection{Host: ref.Platform{OS: "linux", Architecture: "amd64"}},
		Layers: gather.NewLayers(2, nil, nil), Tool: report.Tool{Name: "intact", Version: "test"},
		Signatures: scan.NewSigner(p, scan.SignerOptions{
			PublicRoot: func(context.Context) ([]byte, error) { return nil, errors.New("there is no public root in this test") },
			Clock:      testClock,
		}),
	}
}

// loadPolicy reads a policy; "" is baseline@1.
func loadPolicy(t *testing.T, text string, files map[string][]byte) *policy.Policy {
	t.Helper()
	name := "baseline@1"
	if text != "" {
		name = "./policy.yaml"
	}
	read := func(file string) ([]byte, error) {
		if file == "policy.yaml" || file == "./policy.yaml" {
			return []byte(text), nil
		}
		if b, ok := files[file]; ok {
			return b, nil
		}
		return nil, fs.ErrNotExist
	}
	all := append(checks.All(), signing.Checks(nil, signing.Options{})...)
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, ReadFile: read, Checks: all}, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func build(t *testing.T, s testimage.Spec) *testimage.Built {
	t.Helper()
	b, err := testimage.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put stores b and gives its root the tag, if there is one.
func (e *engine) put(t *testing.T, repo, tag string, b *testimage.Built) {
	t.Helper()
	for _, o := range b.Blobs {
		if _, err := e.server.PutBlob(repo, o.Body); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range b.Manifests {
		name := string(m.Descriptor.Digest)
		if i == len(b.Manifests)-1 && tag != "" {
			name = tag
		}
		if _, err := e.server.PutManifest(repo, name, m.Descriptor.MediaType, m.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// target is a reference below the registry's host: "acme/app:1.0.0".
func (e *engine) target(t *testing.T, name string) scan.Target {
	t.Helper()
	return registryTarget(t, e.source, e.server.Host+"/"+name)
}

func registryTarget(t *testing.T, src *registry.Source, text string) scan.Target {
	t.Helper()
	r, err := ref.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return scan.Target{
		Text: text, Kind: ref.KindImage, Origin: ref.Origin{Kind: "argument"}, Ref: r, Name: r,
		Place: scan.Place{Source: src, Prober: src, Referrer: src},
	}
}

// app is a small image that baseline allows.
func app(content string) testimage.Image {
	return testimage.Image{
		Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}},
		Layers: []testimage.Layer{
			{CreatedBy: "COPY base", Files: []testimage.File{{Path: "etc/", Mode: "0755"}, {Path: "etc/passwd", Content: "root:x:0:0::/:/bin/sh\n"}}},
			{CreatedBy: "COPY app", Files: []testimage.File{{Path: "bin/", Mode: "0755"}, {Path: "bin/app", Mode: "0755", Content: content}}},
		},
	}
}

func appOn(platform string) testimage.Image {
	i := app(platform)
	i.Platform = platform
	return i
}

// outcomes are the outcomes of one check in the only image of r and in its
// targets, by platform.
func outcomes(r *report.Report, id string) map[string]check.Outcome {
	out := map[string]check.Outcome{}
	add := func(results []*report.Result) {
		for _, res := range results {
			if res.Check == id {
				out[res.Platform] = res.Outcome
			}
		}
	}
	for _, i := range r.Images {
		add(i.Results)
	}
	for _, t := range r.Targets {
		add(t.Results)
	}
	return out
}
