// Package repo holds no code: its tests keep the rules of this repository, so
// that "go test ./..." is the only gate.
package repo
