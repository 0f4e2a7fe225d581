package helm

import (
	"encoding/json"
	"fmt"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"helm.sh/helm/v4/pkg/strvals"
)

// setFile is where single values of charts are written.
const setFile = ".intact.yaml"

// set takes single values as the last file of values. They have no place of their
// own in which a digest could be written.
//
// https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
func (l *release) set(list []string) {
	if len(list) == 0 {
		return
	}
	values := map[string]any{}
	for _, s := range list {
		if err := strvals.ParseInto(s, values); err != nil {
			l.problem(extract.Problem{Origin: origin(setFile), Cause: fact.Unsupported, Why: fmt.Sprintf("set %q of the chart %q: %v", s, l.folder.dir, err)})
		}
	}
	data, err := json.Marshal(values) // which is YAML
	if err != nil {
		l.problem(extract.Problem{Origin: origin(setFile), Cause: fact.Unsupported, Why: fmt.Sprintf("set of the chart %q: %v", l.folder.dir, err)})
		return
	}
	l.values = append(l.values, &file{name: "helm set", path: setFile, data: data, was: data, packed: true})
}
