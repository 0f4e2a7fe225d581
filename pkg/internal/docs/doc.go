// Package docs makes the reference documentation that follows from the code and
// keeps the rest of docs/ true: its tests hold examples, links and the names of
// tests in docs/threat-model.md against what is there. It is no part of the
// command.
package docs

//go:generate go test -run ^TestSchemas$|^Test(PolicyTable|LimitsTable)$ -update .
