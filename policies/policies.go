// Package policies embeds the policies that come with intact. Each file is one
// version; a released version never changes. baseline.yaml is baseline@1; its
// successor will be baseline@2.yaml.
package policies

import "embed"

// Files holds the embedded policies.
//
//go:embed *.yaml
var Files embed.FS
