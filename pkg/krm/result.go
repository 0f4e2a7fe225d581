package krm

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A Result is one entry of the list's results, as the protocol writes it. What is
// "" or nil is not written.
//
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md#results
//
// The library's own type comes with the validation of OpenAPI, whose tables every
// run of the command would make; a test holds the two together.
type Result struct {
	Message     string                   `yaml:"message,omitempty"`
	Severity    Severity                 `yaml:"severity,omitempty"`
	ResourceRef *yaml.ResourceIdentifier `yaml:"resourceRef,omitempty"`
	Field       *Field                   `yaml:"field,omitempty"`
	File        *File                    `yaml:"file,omitempty"`
	Tags        map[string]string        `yaml:"tags,omitempty"`
}

// A Severity says how bad a result is.
type Severity string

// Severities of the protocol. An error makes a function fail.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// A Field is one of a resource's: "spec.containers[0].image".
type Field struct {
	Path         string `yaml:"path,omitempty"`
	CurrentValue string `yaml:"currentValue,omitempty"`
}

// A File is where a resource was read from, and which of its documents it was,
// from 0.
type File struct {
	Path  string `yaml:"path,omitempty"`
	Index int    `yaml:"index,omitempty"`
}

// String is the result in one line: severity, resource, field and message.
func (r Result) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "[%s]", r.Severity)
	if id := r.ResourceRef; id != nil {
		sep := " "
		for _, part := range []string{id.APIVersion, id.Kind, id.Namespace, id.Name} {
			if part != "" {
				out.WriteString(sep + part)
				sep = "/"
			}
		}
	}
	if r.Field != nil {
		out.WriteString(" " + r.Field.Path)
	}
	return out.String() + ": " + r.Message
}
