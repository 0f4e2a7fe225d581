package scan_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/scan"
)

func TestOddRoots(t *testing.T) {
	t.Parallel()
	attestation := testimage.Image{
		Platform: "unknown/unknown", DescriptorFields: map[string]any{"annotations": map[string]string{"vnd.docker.reference.type": "attestation-manifest"}},
		Layers: []testimage.Layer{{DescriptorFields: map[string]any{"mediaType": "application/vnd.in-toto+json"}}},
	}
	hidden := app("x")
	hidden.Platform = "unknown/unknown"
	empty := testimage.Image{Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}}}
	// Its config says the truth.
	hidden.ConfigFields = map[string]any{"os": "linux", "architecture": "amd64"}
	for name, tt := range map[string]struct {
		spec testimage.Spec
		want policy.Decision
		// The outcome of some checks on the only child, or on the whole.
		outcomes map[string]check.Outcome
	}{
		"nothing":      {testimage.Spec{Index: true, IndexFields: map[string]any{"manifests": []any{}}}, policy.Undecided, map[string]check.Outcome{"DIG001": check.Pass, "DIG003": check.Undecided, "LAY002": check.Undecided, "REF005": check.NotAsked}},
		"no_manifests": {testimage.Spec{Index: true, IndexFields: map[string]any{"manifests": nil}}, policy.Undecided, map[string]check.Outcome{"DIG003": check.Undecided}},
		"attestations": {testimage.Spec{Index: true, Images: []testimage.Image{attestation}}, policy.Allow, map[string]check.Outcome{"DIG003": check.NotAsked, "LAY002": check.NotApplicable, "REF005": check.NotAsked}},
		"hidden":       {testimage.Spec{Index: true, Images: []testimage.Image{hidden}}, policy.Deny, map[string]check.Outcome{"DIG003": check.Pass, "LAY002": check.Pass, "DIG002": check.Fail}},
		"no_layers":    {testimage.Spec{Images: []testimage.Image{empty}}, policy.Warn, map[string]check.Outcome{"DIG003": check.Pass, "LAY007": check.Fail, "REF005": check.Pass}},
		"no_document":  {testimage.Spec{RawIndex: `{"schemaVersion":2}`, Index: true}, policy.Deny, map[string]check.Outcome{"DIG008": check.Fail, "DIG003": check.Undecided, "LAY002": check.Undecided, "REF005": check.Undecided}},
		"schema_1":     {testimage.Spec{RawIndex: `{"schemaVersion":1,"name":"x","fsLayers":[]}`, Index: true}, policy.Deny, map[string]check.Outcome{"DIG008": check.Fail, "LAY002": check.Undecided}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			built := build(t, tt.spec)
			e.put(t, "acme/app", "1.0.0", built)
			r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, e.options)
			if r.Verdict != tt.want {
				t.Errorf("%s, want %s: %+v", r.Verdict, tt.want, r.Targets[0].Verdict.Reasons)
			}
			for id, want := range tt.outcomes {
				got := slices.Collect(maps.Values(outcomes(r, id)))
				if !slices.Contains(got, want) || id != "DIG002" && id != "DIG001" && len(got) != 1 {
					t.Errorf("%s: %v, want %s", id, got, want)
				}
			}
			complete(t, r, e.options)
		})
	}
}

func TestArtifactRoot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mode     string
		want     policy.Decision
		outcomes map[string]check.Outcome
	}{
		"whole":        {"", policy.Allow, map[string]check.Outcome{"DIG001": check.Pass, "DIG003": check.Pass, "LAY002": check.NotApplicable, "REF005": check.Pass}},
		"wrong_blob":   {"wrong-layer", policy.Deny, map[string]check.Outcome{"DIG003": check.Fail}},
		"wrong_config": {"wrong-config", policy.Deny, map[string]check.Outcome{"DIG001": check.Fail}},
		"gone":         {"gone-layers", policy.Deny, map[string]check.Outcome{"DIG003": check.Undecided, "REF005": check.Fail}},
		"gone_config":  {"gone-config", policy.Deny, map[string]check.Outcome{"DIG001": check.Undecided, "REF005": check.Fail}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			subject := build(t, testimage.Spec{Images: []testimage.Image{app("x")}}).Root.Descriptor
			built, err := testimage.Artifact("application/example", subject, testimage.Blob("application/wasm", []byte("\x00asm")))
			if err != nil {
				t.Fatal(err)
			}
			e.put(t, "acme/app", "1.0.0", built)
			e.server.MustMode(t, "acme/app", tt.mode)
			r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, e.options)
			if r.Verdict != tt.want {
				t.Errorf("%s, want %s: %+v", r.Verdict, tt.want, r.Targets[0].Verdict.Reasons)
			}
			for id, want := range tt.outcomes {
				if got := slices.Collect(maps.Values(outcomes(r, id))); !slices.Equal(got, []check.Outcome{want}) {
					t.Errorf("%s: %v, want %s", id, got, want)
				}
			}
			complete(t, r, e.options)
		})
	}
}

func TestWrongRootIsDeniedAndNothingElseIsSaid(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, testimage.Spec{Images: []testimage.Image{app("x")}})
	e.put(t, "acme/app", "1.0.0", built)
	e.server.MustMode(t, "acme/app", "wrong-manifest")
	r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app@"+string(built.Root.Descriptor.Digest))}, e.options)
	if r.Verdict != policy.Deny {
		t.Errorf("%s", r.Verdict)
	}
	complete(t, r, e.options)
	for _, res := range allResults(r) {
		if res.Outcome == check.Pass && res.Check != "REF001" && res.Check != "REF002" && res.Check != "REF003" && res.Check != "TAG006" {
			t.Errorf("%s passes on bytes that are wrong", res.Check)
		}
	}
}
