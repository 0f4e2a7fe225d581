package policy

import (
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// Schema names the form of policy files.
const Schema = "intact.policy/v1"

// SchemaID is where the JSON Schema of policy files is published.
const SchemaID = "https://intact.dev/schemas/intact.policy.v1.json"

// JSONSchema returns the JSON Schema of policy files.
func JSONSchema() ([]byte, error) {
	return strictyaml.Schema(SchemaID, "intact policy: what is right", document{})
}

// document is a policy file as written. Its JSON is part of the policy's digest.
type document struct {
	Schema      string            `json:"schema" yaml:"schema" required:"true" enum:"intact.policy/v1"`
	Name        string            `json:"name" yaml:"name" required:"true" pattern:"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(@[1-9][0-9]*)?$" doc:"the name that reports give"`
	Extends     string            `json:"extends,omitempty" yaml:"extends" doc:"baseline, strict or audit, with @ and a version or bare for the newest; or the path of a file, relative to this one"`
	Since       string            `json:"since,omitempty" yaml:"since" pattern:"^2[0-9]{3}-(0[1-9]|1[0-2])$" doc:"checks newer than this month that a family denies count as warn"`
	Depth       string            `json:"depth,omitempty" yaml:"depth" enum:"reference|manifest|layers" doc:"what must be examined"`
	Undecided   string            `json:"undecided,omitempty" yaml:"undecided" enum:"deny|warn" doc:"what a denied check that could not be decided leads to"`
	Checks      map[string]string `json:"checks,omitempty" yaml:"checks" enum:"deny|warn|off" doc:"a check or a family and what to do when it fails"`
	Scopes      []scopeDoc        `json:"scopes,omitempty" yaml:"scopes" doc:"other decisions for some subjects; the last that matches wins"`
	Signatures  []signing.Rule    `json:"signatures,omitempty" yaml:"signatures" doc:"who must have signed which images; the longest pattern wins"`
	Trust       *trustDoc         `json:"trust,omitempty" yaml:"trust" doc:"what signatures are verified against by default"`
	Mirrors     []mirrorDoc       `json:"mirrors,omitempty" yaml:"mirrors" doc:"repositories that are copies of others; policies match the names of the originals"`
	Tags        []tagDoc          `json:"tags,omitempty" yaml:"tags" doc:"which tags are fixed or floating, where their grammar does not tell"`
	Rules       []ruleDoc         `json:"rules,omitempty" yaml:"rules" doc:"own checks, in CEL"`
	Exceptions  []exceptionDoc    `json:"exceptions,omitempty" yaml:"exceptions" doc:"findings that are accepted until a day"`
	AllowInline []string          `json:"allowInline,omitzero" yaml:"allowInline" empty:"ok" doc:"checks that a comment '# intact:ignore ID reason' in a file may silence"`
}

type scopeDoc struct {
	Clusters   []string          `json:"clusters,omitempty" yaml:"clusters" doc:"names; * matches any characters"`
	Namespaces []string          `json:"namespaces,omitempty" yaml:"namespaces" doc:"names; * matches any characters"`
	Images     []string          `json:"images,omitempty" yaml:"images" doc:"an exact repository, a prefix ending in /**, or **"`
	Paths      []string          `json:"paths,omitempty" yaml:"paths" doc:"of files, from the root of the Git repository: an exact path, a prefix ending in /**, * within a segment, or **"`
	Checks     map[string]string `json:"checks" yaml:"checks" required:"true" enum:"deny|warn|off"`
}

type trustDoc struct {
	Roots []string `json:"roots,omitempty" yaml:"roots" doc:"sigstore for the public root, or paths of trusted_root.json files"`
	SCT   string   `json:"sct,omitempty" yaml:"sct" enum:"required|not-required" doc:"whether certificates must carry a verified timestamp of a certificate log"`
}

type mirrorDoc struct {
	Prefix string `json:"prefix" yaml:"prefix" required:"true" doc:"registry and path under which the copies are"`
	Of     string `json:"of" yaml:"of" required:"true" doc:"registry and path of the originals"`
}

type tagDoc struct {
	Images   []string `json:"images" yaml:"images" required:"true"`
	Fixed    string   `json:"fixed,omitempty" yaml:"fixed" doc:"regular expression; tags that match as a whole are fixed"`
	Floating string   `json:"floating,omitempty" yaml:"floating" doc:"regular expression; tags that match as a whole float"`
}

type ruleDoc struct {
	ID       string `json:"id" yaml:"id" required:"true" pattern:"^[A-Z]{4,12}[0-9]{3}$"`
	Title    string `json:"title" yaml:"title" required:"true" pattern:"^.{1,60}$" doc:"the state it complains about"`
	Decision string `json:"decision" yaml:"decision" required:"true" enum:"deny|warn|off"`
	Fail     string `json:"fail" yaml:"fail" required:"true" doc:"CEL over the facts; true is a finding"`
}

type exceptionDoc struct {
	Check   string          `json:"check" yaml:"check" required:"true" pattern:"^[A-Z]{3,12}[0-9]{3}$"`
	Images  []string        `json:"images" yaml:"images" required:"true"`
	Paths   []string        `json:"paths,omitempty" yaml:"paths" doc:"in the image: an exact path, a prefix ending in /**, * within a segment"`
	All     bool            `json:"all,omitempty" yaml:"all" doc:"every path"`
	Reason  string          `json:"reason" yaml:"reason" required:"true"`
	Owner   string          `json:"owner,omitempty" yaml:"owner"`
	Expires strictyaml.Date `json:"expires" yaml:"expires" required:"true" doc:"the last day on which it holds, UTC"`
}
