package main

// Writes docs/cli.md, docs/exit-codes.md, docs/checks, the examples of explain and
// the output in README.md; then the JSON Schemas.
//
//go:generate go test -run ^TestDocs -update .
//go:generate go generate ../../pkg/internal/docs
