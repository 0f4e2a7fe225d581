// Package policytest runs the cases of `intact policy test DIR`: facts in,
// expected verdict out. It is pure but for what the file system it is given does.
//
// A case is one file in txtar form, CASE.txtar, anywhere below DIR:
//
//	why the case is there
//	-- case.yaml --
//	subject: {image: ghcr.io/acme/api, cluster: prod-eu, namespace: shop, path: deploy/api.yaml}
//	now: 2026-11-23
//	depth: manifest
//	want:
//	  decision: deny
//	  reasons: [LAY002 deny, DIG005 warn]
//	-- reference.json --
//	{"reference": {"state": "known", "value": {…}}}
//	-- image.json --
//	…
//	-- platform/linux/amd64.json --
//	…
//
// The JSON files are fact sets (intact.facts/v1), each of one subject: what was
// written, the image, and each platform. What a set does not hold is unknown, as
// everywhere, so that a check that needs it is undecided. All of subject, now and
// depth may be left out: the image is then that of the facts, the day that of the
// call, and the depth that of the policy. Without reasons only the decision is
// compared; with them they are all that led to more than allow, and the failures
// that exceptions accept (LAY003 allow), in any order.
package policytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// Options are what a run of cases needs beside them.
type Options struct {
	Policy *policy.Policy
	// Checks returns all checks for one subject; the policy's own rules need not
	// be among them.
	Checks func(s policy.Subject, now time.Time) []check.Check
	Now    time.Time // for cases that name no day
}

// A Result is what became of one case.
type Result struct {
	Name    string // the path of its file
	Err     error  // the case cannot be read; it does not hold then
	Verdict policy.Verdict
	// Problems are the differences between what was wanted and what came; a case
	// without Err and Problems holds.
	Problems []string
}

// OK reports whether the case holds.
func (r Result) OK() bool { return r.Err == nil && len(r.Problems) == 0 }

// Run runs all cases in fsys, in the order of their names. A folder without cases
// is an error: it would hold whatever the policy says.
func Run(fsys fs.FS, o Options) ([]Result, error) {
	var out []Result
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".txtar" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		out = append(out, runCase(name, data, o))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	if len(out) == 0 {
		return nil, errors.New("read cases: there is no .txtar file")
	}
	return out, nil
}

type caseDoc struct {
	Subject struct {
		Image     string `yaml:"image"`
		Cluster   string `yaml:"cluster"`
		Namespace string `yaml:"namespace"`
		Path      string `yaml:"path"`
	} `yaml:"subject"`
	Now   strictyaml.Date `yaml:"now"`
	Depth string          `yaml:"depth" enum:"reference|manifest|layers"`
	Want  struct {
		Decision string   `yaml:"decision" required:"true" enum:"deny|undecided|warn|allow"`
		Reasons  []string `yaml:"reasons" empty:"ok" pattern:"^[A-Z]{3,12}[0-9]{3} (deny|undecided|warn|allow)$"`
	} `yaml:"want" required:"true"`
}

// subjectFacts is one fact set of a case.
type subjectFacts struct {
	scope    check.Scope
	platform string
	set      *fact.Set
}

func runCase(name string, data []byte, o Options) Result {
	r := Result{Name: name}
	c, sets, err := parse(name, data)
	if err != nil {
		r.Err = err
		return r
	}
	now := o.Now
	if !c.Now.IsZero() {
		now = c.Now.Time
	}
	s := policy.Subject{Image: c.Subject.Image, Cluster: c.Subject.Cluster, Namespace: c.Subject.Namespace, Path: c.Subject.Path}
	if s.Image == "" {
		s.Image = imageOf(sets)
	}
	checks := slices.Concat(o.Checks(s, now), o.Policy.Checks(now))
	var results []check.Result
	for _, f := range sets {
		for _, k := range checks {
			if appliesTo(k, f) {
				result := check.Evaluate(k, f.set)
				result.Platform = f.platform
				results = append(results, result)
			}
		}
	}
	r.Verdict = o.Policy.Decide(s, now, results, policy.Run{Depth: policy.Depth(c.Depth)})
	r.Problems = compare(c, r.Verdict)
	return r
}

// appliesTo says whether k is evaluated on f. A check of both images and
// platforms runs on the image's set only if the root is an index.
func appliesTo(k check.Check, f subjectFacts) bool {
	if !slices.Contains(k.Scopes, f.scope) {
		return false
	}
	image := f.set.Image
	return f.scope != check.ScopeImage || !slices.Contains(k.Scopes, check.ScopePlatform) ||
		image.State != fact.Known || image.V.Class == fact.ClassIndex
}

func imageOf(sets []subjectFacts) string {
	for _, f := range sets {
		if v := f.set.Reference; v.State == fact.Known {
			return v.V.Ref.Canonical()
		}
		if v := f.set.Image; v.State == fact.Known {
			return v.V.Name
		}
	}
	return ""
}

func parse(name string, data []byte) (caseDoc, []subjectFacts, error) {
	var c caseDoc
	var sets []subjectFacts
	seen := map[string]bool{}
	for _, f := range txtar.Parse(data).Files {
		if seen[f.Name] {
			return c, nil, fmt.Errorf("%s: the file %q is there twice", name, f.Name)
		}
		seen[f.Name] = true
		at := name + "#" + f.Name
		if f.Name == "case.yaml" {
			if _, err := strictyaml.Decode(at, f.Data, &c); err != nil {
				return c, nil, err
			}
			continue
		}
		s, err := parseFacts(f)
		if err != nil {
			return c, nil, fmt.Errorf("%s: %w", at, err)
		}
		sets = append(sets, s)
	}
	switch {
	case !seen["case.yaml"]:
		return c, nil, fmt.Errorf("%s: there is no case.yaml", name)
	case len(sets) == 0:
		return c, nil, fmt.Errorf("%s: there are no facts; expected reference.json, image.json or platform/OS/ARCH.json", name)
	}
	return c, sets, nil
}

func parseFacts(f txtar.File) (subjectFacts, error) {
	s := subjectFacts{set: new(fact.Set)}
	base, isJSON := strings.CutSuffix(f.Name, ".json")
	platform, isPlatform := strings.CutPrefix(base, "platform/")
	switch {
	case isJSON && base == "reference":
		s.scope = check.ScopeReference
	case isJSON && base == "image":
		s.scope = check.ScopeImage
	case isJSON && isPlatform && platform != "":
		s.scope, s.platform = check.ScopePlatform, platform
	default:
		return s, errors.New("unknown file; expected case.yaml, reference.json, image.json or platform/OS/ARCH.json")
	}
	dec := json.NewDecoder(bytes.NewReader(f.Data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s.set); err != nil {
		return s, fmt.Errorf("read facts: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("read facts: there is more after the JSON document")
	}
	return s, nil
}

func compare(c caseDoc, v policy.Verdict) []string {
	var out []string
	if got := v.Decision.String(); got != c.Want.Decision {
		out = append(out, fmt.Sprintf("decision: got %s, want %s", got, c.Want.Decision))
	}
	if c.Want.Reasons == nil {
		return out
	}
	got := map[string]string{}
	for _, r := range v.Reasons {
		key := r.Check + " " + r.Decision.String()
		got[key] = strings.Trim(strings.Join([]string{r.Rule, r.Why, r.Exception}, "; "), "; ")
	}
	for _, want := range c.Want.Reasons {
		if _, ok := got[want]; !ok {
			out = append(out, fmt.Sprintf("reason wanted and not there: %s", want))
		}
		delete(got, want)
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		out = append(out, fmt.Sprintf("reason not wanted: %s (%s)", key, got[key]))
	}
	return out
}
