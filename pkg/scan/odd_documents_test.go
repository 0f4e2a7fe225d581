package scan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
)

// Fields that decide nothing may hold anything: the image is judged as it would be
// without, nothing that they name is asked for, and nothing of them reaches a
// terminal raw.
func TestOddFieldsChangeNothing(t *testing.T) {
	t.Parallel()
	const nasty = "\x1b]0;owned\x07\u202e../../etc\r\n\x00"
	const decides = "though it decides: "
	plain := app("x")
	elsewhere := ref.DigestOf([]byte("elsewhere"), "")
	for name, change := range map[string]func(*testimage.Image){
		"a subject that is nowhere": func(i *testimage.Image) {
			i.ManifestFields = map[string]any{"subject": map[string]any{"mediaType": testimage.TypeManifest, "digest": elsewhere, "size": 7}}
		},
		"no history":                   func(i *testimage.Image) { i.ConfigFields = map[string]any{"history": nil} },
		"a history of too many layers": func(i *testimage.Image) { i.ConfigFields = map[string]any{"history": steps(7, false)} },
		"a history of no layers":       func(i *testimage.Image) { i.ConfigFields = map[string]any{"history": steps(3, true)} },
		"a history that is nasty": func(i *testimage.Image) {
			i.ConfigFields = map[string]any{"history": []any{map[string]any{"created_by": nasty}, map[string]any{"created_by": nasty, "created": "-0001-01-01T00:00:00Z"}}}
		},
		"labels and environment": func(i *testimage.Image) {
			i.Config.Labels = map[string]string{nasty: nasty, "big": strings.Repeat("x", 1<<20)}
			i.Config.Env = []string{nasty, "PATH", "=", "A=" + strings.Repeat("y", 1<<20)}
		},
		decides + "entrypoint and volumes": func(i *testimage.Image) {
			i.Config.Entrypoint, i.Config.Cmd, i.Config.WorkingDir = []string{nasty}, []string{nasty, "../../../../bin/sh"}, nasty
			i.Config.Volumes = map[string]struct{}{nasty: {}, "../../etc": {}, "/" + strings.Repeat("z", 1<<20): {}}
		},
		"annotations": func(i *testimage.Image) {
			i.ManifestFields = map[string]any{"annotations": map[string]string{nasty: nasty, "org.opencontainers.image.base.digest": string(elsewhere)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			e.put(t, "acme/app", "plain", build(t, testimage.Spec{Images: []testimage.Image{plain}}))
			odd := app("x")
			change(&odd)
			e.put(t, "acme/app", "odd", build(t, testimage.Spec{Images: []testimage.Image{odd}}))
			want := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:plain")}, e.options)
			got := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:odd")}, e.options)
			diff := cmp.Diff(decided(want), decided(got))
			if (diff != "" || want.Verdict != got.Verdict) && !strings.HasPrefix(name, decides) {
				t.Errorf("%s, want %s (-plain +odd):\n%s", got.Verdict, want.Verdict, diff)
			}
			var shown bytes.Buffer
			if err := (report.Text{Verbose: true}).Write(&shown, got); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(shown.String(), "\x1b\x07\r\x00\u202e") {
				t.Errorf("shown raw: %q", shown.String())
			}
			for _, r := range e.server.Requests() {
				if strings.Contains(r.Path, elsewhere.Hex()) {
					t.Errorf("asked for %s", r.Path)
				}
			}
		})
	}
}

func steps(n int, empty bool) []any {
	var out []any
	for range n {
		out = append(out, map[string]any{"created_by": "RUN something", "empty_layer": empty})
	}
	return out
}

// decided are the outcomes of checks of the only image.
func decided(r *report.Report) map[string]check.Outcome {
	out := map[string]check.Outcome{}
	for _, i := range r.Images {
		for _, res := range i.Results {
			out[res.Check+" "+res.Platform] = res.Outcome
		}
	}
	return out
}
