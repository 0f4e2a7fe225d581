package helm

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// Rendered are the charts that somebody else has rendered, as "helm template"
// notes them above each object. The zero value has none.
type Rendered struct {
	charts map[string]map[string]bool // by path: versions, as far as labels say
}

var (
	sourceLine = lazy.Regexp(`^# Source: (\S+)/(?:templates|crds)/\S`)
	// The label helm.sh/chart, or chart as it was called: name-1.2.3.
	chartLabel = lazy.Regexp(`^[ \t]+(?:helm\.sh/)?chart: ["']?(\S+?)-(v?\d+\.\d+\.\d+[0-9A-Za-z.+_-]*)["']?[ \t]*$`)
)

// ReadRendered reads the YAML files below starts, which are paths in fsys, or
// files. What of them cannot be read is left to who reads the objects in them:
// it notes no chart.
func ReadRendered(fsys fs.FS, starts []string) (*Rendered, error) {
	r := &Rendered{charts: map[string]map[string]bool{}}
	for _, start := range starts {
		err := fs.WalkDir(fsys, start, func(p string, d fs.DirEntry, err error) error {
			if ext := path.Ext(p); err != nil || d.IsDir() || ext != ".yaml" && ext != ".yml" {
				return err
			}
			if b, err := extract.ReadFile(fsys, p); err == nil {
				r.read(string(b))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what is rendered: %w", err)
		}
	}
	return r, nil
}

func (r *Rendered) read(text string) {
	chart := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "---") {
			chart = ""
		} else if m := sourceLine().FindStringSubmatch(line); m != nil {
			if chart = m[1]; r.charts[chart] == nil {
				r.charts[chart] = map[string]bool{}
			}
		} else if m := chartLabel().FindStringSubmatch(line); m != nil && chart != "" && m[1] == path.Base(chart) {
			r.charts[chart][strings.ReplaceAll(m[2], "_", "+")] = true
		}
	}
}

// Len returns how many charts there are.
func (r *Rendered) Len() int { return len(r.charts) }

// Has reports whether c is rendered, by itself or as a part of a chart that is:
// that one is not rendered without it. If c is there in other versions only, why
// says so.
func (r *Rendered) Has(c extract.Chart) (ok bool, why string) {
	if c.Path == "" {
		return false, ""
	}
	for _, p := range slices.Sorted(maps.Keys(r.charts)) {
		if p != c.Path && !strings.HasSuffix(p, "/charts/"+c.Path) {
			if strings.HasPrefix(c.Path, p+"/charts/") {
				ok = true
			}
			continue
		}
		if versions := slices.Sorted(maps.Keys(r.charts[p])); len(versions) > 0 && !slices.ContainsFunc(versions, func(v string) bool { return satisfies(v, c.Version) }) {
			why = fmt.Sprintf("what is rendered is %s %s, and %s is asked for", p, strings.Join(versions, ", "), c.Version)
			continue
		}
		return true, ""
	}
	return ok && why == "", why
}

// satisfies reports whether a version is the one, or in the range, that is wanted.
func satisfies(version, wanted string) bool {
	if wanted == "" || version == wanted {
		return true
	}
	v, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	// A pre-release is in a range if who renders took it.
	c, err := semver.NewConstraint(wanted)
	return err == nil && (c.Check(v) || c.Check(cmp.Or(withoutPrerelease(v), v)))
}

func withoutPrerelease(v *semver.Version) *semver.Version {
	if v.Prerelease() == "" {
		return nil
	}
	plain, err := v.SetPrerelease("")
	if err != nil {
		return nil
	}
	return &plain
}
