package scan_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/layout"
)

// One digest in two folders, whole in one and damaged in the other: what was
// read in the one says nothing about the other.
func TestPlacesOfOneDigestAreExaminedEach(t *testing.T) {
	t.Parallel()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("x")}})
	layer := built.Images[0].Layers[1].Descriptor.Digest
	open := func(damage func(file string) error) scan.Target {
		dir := t.TempDir()
		if err := testimage.WriteLayout(dir, testimage.Entry{Built: built, Name: "1.0.0"}); err != nil {
			t.Fatal(err)
		}
		if err := damage(filepath.Join(dir, "blobs", "sha256", layer.Hex())); err != nil {
			t.Fatal(err)
		}
		src, err := layout.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = src.Close() })
		return scan.Target{Text: "oci:" + dir, Kind: ref.KindImage, Place: scan.Place{Source: src, Prober: src, Referrer: src}}
	}
	good := open(func(string) error { return nil })
	bad := open(func(file string) error {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return os.WriteFile(file, b, 0o600)
	})
	gone := open(os.Remove)
	for _, named := range []bool{false, true} {
		targets := []scan.Target{good, bad, gone}
		if named {
			for i := range targets {
				targets[i].Name = ref.Ref{Name: "example.com/app", Tag: "1.0.0"}
			}
		}
		r := scan.Run(t.Context(), targets, optionsFor(t, "", nil))
		if len(r.Images) != 3 {
			t.Fatalf("%d images, want one for each folder", len(r.Images))
		}
		want := map[string]policy.Decision{good.Text: policy.Allow, bad.Text: policy.Deny, gone.Text: policy.Deny}
		for _, target := range r.Targets {
			if target.Verdict.Decision != want[target.Ref] {
				t.Errorf("named %v: %s: %s, want %s", named, target.Ref, target.Verdict.Decision, want[target.Ref])
			}
		}
		for _, img := range r.Images {
			for _, res := range img.Results {
				if res.Check == "DIG003" && (res.Outcome == check.Pass) != (img.Source == good.Text) {
					t.Errorf("named %v: %s: DIG003 is %s", named, img.Source, res.Outcome)
				}
			}
		}
	}
}
