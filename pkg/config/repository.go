package config

import (
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// RepositoryFile is the name, in the root of a repository, of what a repository
// says about its own files.
const RepositoryFile = ".intact.yaml"

// RepositorySchema names the form of that file.
const RepositorySchema = "intact.repository/v1"

// RepositorySchemaID is where the JSON Schema of that file is published.
const RepositorySchemaID = "https://intact.dev/schemas/intact.repository.v1.json"

// A Repository is what a repository says about its own files: how they are read,
// and no more. It comes with what is scanned, so it holds neither policy nor
// trust, and what it leaves out is counted. The zero value says nothing.
type Repository struct {
	File    string   // "" = there is none
	Exclude []string // patterns of .gitignore's grammar
	CRDs    []CRD
	Helm    []Chart
}

// A CRD is a custom resource that names images.
type CRD struct {
	Group string `yaml:"group" required:"true" doc:"the API group, such as databases.example.com"`
	Kind  string `yaml:"kind" required:"true" doc:"the kind, such as Cluster"`
	// Images are places in an object that hold references: spec.image,
	// spec.sidecars[*].image, spec.tools.*.image.
	Images []string `yaml:"images" required:"true" doc:"places that hold image references: spec.image, spec.sidecars[*].image (each element), spec.tools.*.image (each value)"`
}

// A Chart is how one Helm chart of the repository is rendered. A chart that is
// listed several times is rendered several times.
type Chart struct {
	Chart  string   `yaml:"chart" required:"true" doc:"the chart's folder, from the root of the repository"`
	Values []string `yaml:"values" doc:"values files, from the root of the repository, in the order of helm's --values"`
	Set    []string `yaml:"set" doc:"single values over those, as helm's --set takes them: image.tag=1.2.3"`
}

type repositoryDoc struct {
	Schema  string   `yaml:"schema" required:"true" enum:"intact.repository/v1"`
	Exclude []string `yaml:"exclude" doc:"files and folders that are not read, as patterns of .gitignore"`
	CRDs    []CRD    `yaml:"crds" doc:"custom resources that name images, beside those that are known"`
	Helm    []Chart  `yaml:"helm" doc:"values for charts of the repository"`
}

// RepositoryJSONSchema returns the JSON Schema of [RepositoryFile].
func RepositoryJSONSchema() ([]byte, error) {
	return strictyaml.Schema(RepositorySchemaID, "intact repository: how its files are read", repositoryDoc{})
}

// Of a place: names with dots between them; * is each value of a mapping, and
// [*] behind a name each element of a list.
var imagePlace = lazy.Regexp(`^(?:[A-Za-z0-9_/-]+|\*)(?:\[\*\])*(?:\.(?:[A-Za-z0-9_/-]+|\*)(?:\[\*\])*)*$`)

// ParseRepository reads what a repository says about its files. file is used in
// messages only. The error is of type [strictyaml.Errors].
func ParseRepository(file string, data []byte) (*Repository, error) {
	var d repositoryDoc
	doc, err := strictyaml.Decode(file, data, &d)
	if err != nil {
		return nil, err
	}
	var errs strictyaml.Errors
	say := func(at []any, format string, args ...any) { errs = append(errs, doc.Errorf(at, format, args...)) }
	for i, p := range d.Exclude {
		if strings.TrimSpace(p) == "" {
			say([]any{"exclude", i}, "an empty pattern")
		}
	}
	for i, c := range d.CRDs {
		for j, p := range c.Images {
			if !imagePlace().MatchString(p) {
				say([]any{"crds", i, "images", j}, "%q is no place in an object; expected one such as spec.image or spec.sidecars[*].image", p)
			}
		}
	}
	inside := func(at []any, name string) string {
		clean := path.Clean(name)
		if path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(name, `\`) {
			say(at, "%q leads out of the repository; expected a path below its root, with slashes", name)
		}
		return clean
	}
	for i := range d.Helm {
		d.Helm[i].Chart = inside([]any{"helm", i, "chart"}, d.Helm[i].Chart)
		for j, v := range d.Helm[i].Values {
			d.Helm[i].Values[j] = inside([]any{"helm", i, "values", j}, v)
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return &Repository{File: file, Exclude: d.Exclude, CRDs: d.CRDs, Helm: d.Helm}, nil
}
