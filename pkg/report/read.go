package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/intact-dev/intact/pkg/policy"
)

// Read reads what [WriteJSON] wrote, of this version or a later one within v1:
// fields that it does not know are passed over. A target that is allowed for an
// image which is not there is an error, and a verdict that is better than that of
// one of its targets.
func Read(b []byte) (*Report, error) {
	r, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}

func read(b []byte) (*Report, error) {
	// A later version may mean something else by the same names.
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, err
	}
	if version.Schema != Schema {
		return nil, fmt.Errorf("its schema is %q, not %q", version.Schema, Schema)
	}
	var r Report
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&r); err != nil {
		return nil, err
	}
	if r.Images == nil || r.Targets == nil {
		return nil, errors.New("it has no images or no targets")
	}
	images := map[imageKey]bool{}
	for _, i := range r.Images {
		images[imageKey{i.ID, i.Image}], images[imageKey{i.ID, ""}] = true, true
		if err := whole(i.Image, i.Results); err != nil {
			return nil, err
		}
	}
	worst := policy.Allow
	for _, t := range r.Targets {
		if t.Image != "" && !t.Verdict.Decision.Refuses() && !images[imageKey{t.Image, t.ImageName}] {
			return nil, fmt.Errorf("target %q is allowed for image %q, which is not there", t.Ref, t.Image)
		}
		if err := whole(t.Ref, t.Results); err != nil {
			return nil, err
		}
		worst = policy.Worst(worst, t.Verdict.Decision)
	}
	if policy.Worst(r.Verdict, worst) != r.Verdict {
		return nil, fmt.Errorf("its verdict is %q, and that of a target %q", r.Verdict, worst)
	}
	return &r, nil
}

// whole reports the first result that says nothing.
func whole(subject string, results []*Result) error {
	for _, r := range results {
		if r == nil || r.Check == "" {
			return fmt.Errorf("a result of %q is of no check", subject)
		}
	}
	return nil
}
