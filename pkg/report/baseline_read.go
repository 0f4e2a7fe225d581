package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/strictjson"
	"github.com/intact-dev/intact/pkg/ref"
)

// maxDepth of a report: results nest five deep, facts somewhat more.
const maxDepth = 64

// ReadBaseline reads the JSON of an earlier report, at most
// [limits.BaselineReport] bytes of it, target by target. Fields that it does not
// know are passed over, as reports of v1 may have them; another version, a key
// that occurs twice and bytes behind the end are errors.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	limited := &io.LimitedReader{R: r, N: limits.BaselineReport + 1}
	d := &decoder{dec: json.NewDecoder(limited), images: map[earlierImage][]*Result{}}
	err := d.report()
	if limited.N <= 0 {
		return nil, fmt.Errorf("read baseline report: it has more than the limit of %d bytes", limits.BaselineReport)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read baseline report: %w", err)
	}
	return d.baseline(), nil
}

// An earlierImage finds an image of the report.
type earlierImage struct {
	id            ref.Digest
	image, source string
}

type earlierTarget struct {
	key     string
	image   earlierImage // source as the target's reference says it
	results []*Result
}

type decoder struct {
	dec     *json.Decoder
	images  map[earlierImage][]*Result
	order   []earlierImage
	targets []earlierTarget
}

func (d *decoder) report() error {
	if err := d.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.dec.More() {
		t, err := d.dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return fmt.Errorf("the key %q occurs twice", key)
		}
		seen[key] = true
		switch key {
		case "schema":
			err = d.schema()
		case "images":
			err = d.list(key, d.image)
		case "targets":
			err = d.list(key, d.target)
		default:
			var skipped json.RawMessage
			err = d.dec.Decode(&skipped)
		}
		if err != nil {
			return err
		}
	}
	if err := d.delim('}'); err != nil {
		return err
	}
	for _, key := range []string{"schema", "images", "targets"} {
		if !seen[key] {
			return fmt.Errorf("it has no %q: it is no report of intact in JSON (--format json)", key)
		}
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind its end")
	}
	return nil
}

func (d *decoder) schema() error {
	var schema string
	if err := d.dec.Decode(&schema); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if schema != Schema {
		return fmt.Errorf("its schema is %q, not %q", schema, Schema)
	}
	return nil
}

func (d *decoder) delim(want json.Delim) error {
	t, err := d.dec.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v stands where %v should", t, want)
	}
	return err
}

// list reads the list key part by part.
func (d *decoder) list(key string, part func([]byte) error) error {
	if err := d.delim('['); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	for i := 0; d.dec.More(); i++ {
		var raw json.RawMessage
		err := d.dec.Decode(&raw)
		if err == nil {
			err = strict(raw)
		}
		if err == nil {
			err = part(raw)
		}
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", key, i, err)
		}
	}
	return d.delim(']')
}

// strict refuses what two readers can read in two ways.
func strict(raw []byte) error {
	_, ambiguous, err := strictjson.Parse(raw, maxDepth)
	if err == nil && len(ambiguous) > 0 {
		err = errors.New(ambiguous[0].Detail)
	}
	return err
}

func (d *decoder) image(raw []byte) error {
	var img struct {
		ID            ref.Digest
		Image, Source string
		Results       []check.Result
	}
	if err := json.Unmarshal(raw, &img); err != nil {
		return err
	}
	key := earlierImage{img.ID, img.Image, img.Source}
	if _, twice := d.images[key]; twice {
		return fmt.Errorf("the image %q stands there twice", img.Image)
	}
	d.images[key] = ofChecks(img.Results)
	d.order = append(d.order, key)
	return nil
}

func (d *decoder) target(raw []byte) error {
	var t struct {
		Kind                      ref.Kind
		Ref, ImageName, Container string
		Image                     ref.Digest
		Origins                   Origins
		Results                   []check.Result
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	d.targets = append(d.targets, earlierTarget{
		Key(Target{Kind: t.Kind, Ref: t.Ref, Container: t.Container, Origins: t.Origins}), earlierImage{t.Image, t.ImageName, t.Ref}, ofChecks(t.Results),
	})
	return nil
}

// ofChecks are results without what the policy of that day made of them: it does
// not matter what it let through.
func ofChecks(results []check.Result) []*Result {
	out := make([]*Result, len(results))
	for i, r := range results {
		out[i] = &Result{Result: r}
	}
	return out
}

// baseline puts together what was read: an image's findings are about all
// targets that name it.
func (d *decoder) baseline() *Baseline {
	b := &Baseline{at: map[id][]int{}}
	users := map[earlierImage][]string{}
	for _, t := range d.targets {
		b.add([]string{t.key}, t.results)
		if t.image.id == "" {
			continue
		}
		if _, local := d.images[t.image]; !local {
			t.image.source = ""
		}
		users[t.image] = append(users[t.image], t.key)
	}
	for _, img := range d.order {
		b.add(users[img], d.images[img])
	}
	return b
}
