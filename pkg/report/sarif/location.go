package sarif

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/intact-dev/intact/pkg/report"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

// locations adds where res stands: the first place is its location, of an image
// the others are related ones. Code scanning shows nothing that has no file, so
// what stands in none gets a path made of its name.
func (b *builder) locations(res *sarif.Result, e report.Entry, places []report.Place) {
	if len(places) == 0 {
		res.AddLocation(located(e.Name, 0, 0, "no file: the name of the image").AddLogicalLocation(logical(e.Subject, "resource")))
		return
	}
	for i, p := range places {
		l := place(e, p)
		if i == 0 {
			if e.OfImage {
				l.AddLogicalLocation(logical(e.Subject, "resource"))
			}
			res.AddLocation(l)
			continue
		}
		res.AddRelatedLocation(l.WithID(i))
	}
}

func place(e report.Entry, p report.Place) *sarif.Location {
	if p.InFile() {
		l := located(p.Where, p.Line, p.Column, "")
		if p.Path != "" {
			l.AddLogicalLocation(logical(p.Path, "member"))
		}
		return l
	}
	name := p.Where
	if p.Container != "" {
		name += "/" + p.Container
	}
	return located(p.Where, 0, 0, "no file: the name of what runs").AddLogicalLocation(logical(name, "resource"))
}

func logical(name, kind string) *sarif.LogicalLocation {
	name = clean(name)
	short := name[strings.LastIndexByte(name, '/')+1:]
	return sarif.NewLogicalLocation().WithFullyQualifiedName(name).WithName(short).WithKind(kind)
}

func located(file string, line, column int, description string) *sarif.Location {
	region := sarif.NewRegion().WithStartLine(max(1, line))
	if column > 0 {
		region.WithStartColumn(column)
	}
	artifact := sarif.NewArtifactLocation().WithURI(uri(file))
	if description != "" {
		artifact.WithDescription(sarif.NewTextMessage(description))
	}
	if !filepath.IsAbs(file) {
		artifact.WithURIBaseID("%SRCROOT%")
	}
	return sarif.NewLocation().WithPhysicalLocation(sarif.NewPhysicalLocation().WithArtifactLocation(artifact).WithRegion(region))
}

// uri is the path file as a reference: relative as it is, absolute with the
// scheme file. Nothing in it can become a scheme, a host or a query.
func uri(file string) string {
	if file == "" {
		file = "image"
	}
	slashed := filepath.ToSlash(file)
	if filepath.IsAbs(file) {
		return (&url.URL{Scheme: "file", Path: path.Join("/", slashed)}).String()
	}
	var parts []string
	for _, part := range strings.Split(slashed, "/") {
		if part != "" {
			parts = append(parts, strings.ReplaceAll(url.PathEscape(part), ":", "%3A"))
		}
	}
	return strings.Join(parts, "/")
}
