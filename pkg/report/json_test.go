package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

// What is encoded part by part is what encoding the whole gives.
func TestWriteJSONIsTheWholeReport(t *testing.T) {
	t.Parallel()
	full, empty := reporttest.Rich(), &report.Report{Images: []report.Image{}, Targets: []report.Target{}}
	one := reporttest.Rich()
	one.Images, one.Targets = one.Images[:1], []report.Target{}
	for name, r := range map[string]*report.Report{"rich": full, "empty": empty, "one_image": one, "files": reporttest.Files()} {
		var b bytes.Buffer
		if err := report.WriteJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		var got, want any
		whole, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(whole, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, b.Bytes())
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		indented, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(indented)+"\n", b.String()); (name == "empty" || name == "files") && d != "" {
			t.Errorf("%s: layout: %s", name, d)
		}
	}
}
