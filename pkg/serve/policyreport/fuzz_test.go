package policyreport

import (
	"encoding/json"
	"testing"
)

// Whatever lies in the cluster is taken for what it is: a report that says the same
// as ours, or one that is to be written anew.
func FuzzParse(f *testing.F) {
	ours := &document{Metadata: metadata{Name: "intact-a", Labels: map[string]string{managedBy: source}}}
	ours.fill(order([]verdict{failure("a", "x"), failure("b", "y")}))
	raw, err := json.Marshal(ours)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(raw), `{"metadata":{"name":"a"},"results":"none"}`, `{"metadata":7}`, `[]`, `{"metadata":{"name":"a","labels":{"x":1}}}`, `{"results":[{"timestamp":{"seconds":1}}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parse(raw)
		if err != nil {
			return
		}
		next := ours.clone()
		next.date(d, timestamp{Seconds: 1})
		next.keep(d)
		if !next.own() || next.Metadata.Labels[managedBy] != source || len(next.Results) != 2 {
			t.Errorf("%+v", next)
		}
		for _, r := range next.Results {
			if r.Timestamp == nil {
				t.Error("a result has no time")
			}
		}
		// What counts as the same tells the same.
		if !d.same(ours) {
			return
		}
		for i, r := range d.Results {
			if r.Result != ours.Results[i].Result || r.Rule != ours.Results[i].Rule || r.Message != ours.Results[i].Message {
				t.Errorf("%+v is the same as %+v", r, ours.Results[i])
			}
		}
		if d.Summary != ours.Summary {
			t.Errorf("%+v", d.Summary)
		}
	})
}
