package helm

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
)

// missing tells of charts that are to be rendered with this one and are not
// there. Those that are not wanted are gone from c.
func (l *release) missing(c *chart.Chart, prefix string) {
	for _, d := range c.Metadata.Dependencies {
		there := false
		for _, sub := range c.Dependencies() {
			// An alias has taken the place of the name in both.
			there = there || sub.Name() == d.Name
		}
		if !there {
			l.found = append(l.found, l.absent(c, prefix, d))
		}
	}
	for _, sub := range c.Dependencies() {
		if dir := l.folderOf(sub); dir != "" {
			l.missing(sub, dir+"/")
		}
	}
}

// folderOf returns the name of a chart's folder in the files.
func (l *release) folderOf(c *chart.Chart) string {
	for _, raw := range c.Raw {
		for _, f := range l.folder.files {
			if raw.Name == chartFile && len(raw.Data) > 0 && &raw.Data[0] == &f.data[0] {
				return path.Dir(f.name)
			}
		}
	}
	return ""
}

func (l *release) absent(c *chart.Chart, prefix string, d *chart.Dependency) extract.Found {
	out := extract.Found{Kind: ref.KindArtifact, Origin: origin(path.Join(l.folder.dir, chartFile))}
	name := d.Name // or the alias that took its place
	for _, f := range l.folder.files {
		if f.name != prefix+chartFile && f.name != prefix+"requirements.yaml" {
			continue
		}
		for doc := range l.docs(f) {
			for i, n := range doc.Root().Get("dependencies").Items() {
				is := n.Get("name")
				if n.Get("alias").String() != d.Name && (is.String() != d.Name || n.Get("alias").String() != "") {
					continue
				}
				name = is.String()
				out.Origin, out.Ignored = is.Origin(f.path, "dependencies["+strconv.Itoa(i)+"].name"), is.Ignored()
				if f.packed {
					out.Origin = f.place(0)
				}
			}
		}
	}
	out.Chart = extract.Chart{Path: path.Join(c.ChartFullPath(), "charts", d.Name), Version: d.Version}
	out.Raw = name
	if d.Version != "" {
		out.Raw += ":" + d.Version
	}
	if d.Repository != "" {
		out.Raw = strings.TrimSuffix(strings.TrimPrefix(d.Repository, "oci://"), "/") + "/" + out.Raw
	}
	out.Unresolved = fmt.Sprintf("dependency %s of chart %s is not in charts/: helm dependency build, or --rendered with a folder of what you render", name, c.Name())
	return out
}
