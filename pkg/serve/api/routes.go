package api

import (
	_ "embed"
	"encoding/json"
	"net/http"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// A route is one resource. The OpenAPI document is generated from these.
type route struct {
	method, path string // below v1.Prefix, with {wildcards} of package net/http
	role         role
	query        []parameter
	summary, doc string
	takes, gives any // values of the types of the bodies; nil = none, any JSON
	status       int // of success
	errors       []int
	answer       func(*Handler, *http.Request, query) (answer, error)
}

var (
	repositoryParameter = parameter{name: "repository", kind: kindRepository, doc: "registry/repository, without a tag"}
	referenceParameter  = parameter{name: "reference", kind: kindReference, required: true, doc: "registry/repository:tag, without a tag it is latest; or registry/repository[:tag]@digest"}
	tagParameter        = parameter{name: "reference", kind: kindReference, required: true, doc: "registry/repository:tag; without a tag it is latest"}
	limitParameter      = parameter{name: "limit", kind: kindLimit, doc: "how many at most; 100 if not given"}
	beforeParameter     = parameter{name: "before", kind: kindNumber, doc: "only those with a smaller number: the next page"}
)

func required(p parameter) parameter { p.required = true; return p }

// routes returns all of them, in the order of the document.
func routes() []route {
	const get = http.MethodGet
	return []route{
		{method: http.MethodPost, path: "/scans", role: writer, summary: "Have a tag or an image judged now",
			doc:   "A tag is resolved anew at its registry, scanned and compared with the ledger, as after a push. A reference with a digest is that image: its verdict is recorded, and the ledger is left alone. Only repositories that the service watches are taken. The answer says where to look.",
			takes: v1.ScanRequest{}, gives: v1.Scan{}, status: http.StatusAccepted, errors: []int{400, 408, 413, 415, 422}, answer: (*Handler).wantScan},
		{method: get, path: "/scans", role: reader, summary: "How far a scan is",
			query: []parameter{referenceParameter, {name: "number", kind: kindNumber, required: true, doc: "of the scan, as it was answered"}},
			gives: v1.Scan{}, status: 200, errors: []int{400, 404, 422}, answer: (*Handler).scan},
		{method: get, path: "/verdicts", role: reader, summary: "Verdicts, newest first",
			query: []parameter{repositoryParameter, {name: "tag", kind: kindTag, doc: "exactly this one"}, {name: "digest", kind: kindDigest, doc: "of the image"}, beforeParameter, limitParameter},
			gives: v1.Verdicts{}, status: 200, errors: []int{400}, answer: (*Handler).verdicts},
		{method: get, path: "/verdicts/latest", role: reader, summary: "The newest verdict of a reference",
			doc:   "Nothing is resolved: a tag is what it was by the last record. A reference with a digest asks for that image in that repository.",
			query: []parameter{referenceParameter}, gives: v1.Latest{}, status: 200, errors: []int{400, 404, 422}, answer: (*Handler).latest},
		{method: get, path: "/verdicts/{id}", role: reader, summary: "One verdict, with its report",
			gives: v1.Verdict{}, status: 200, errors: []int{400, 404}, answer: (*Handler).verdict},
		{method: get, path: "/verdicts/{id}/why", role: reader, summary: "Why a verdict is what it is",
			gives: v1.Why{}, status: 200, errors: []int{400, 404}, answer: (*Handler).why},
		{method: get, path: "/images/{digest}/verdict", role: reader, summary: "The newest verdict of an image, whatever its tag",
			doc:   "A verdict is history and never a fresh answer: see its age. What is allowed depends on the repository; give one where an image is in several.",
			query: []parameter{repositoryParameter}, gives: v1.Latest{}, status: 200, errors: []int{400, 404}, answer: (*Handler).image},
		{method: get, path: "/tags", role: reader, summary: "What the tags of a repository mean by the last record",
			query: []parameter{required(repositoryParameter), {name: "after", kind: kindTag, doc: "only those after this name: the next page"}, limitParameter},
			gives: v1.Tags{}, status: 200, errors: []int{400}, answer: (*Handler).tags},
		{method: get, path: "/history", role: reader, summary: "What a tag meant over time, newest first",
			query: []parameter{tagParameter, beforeParameter, limitParameter},
			gives: v1.History{}, status: 200, errors: []int{400, 422}, answer: (*Handler).history},
		{method: get, path: "/events", role: reader, summary: "What happened, oldest first",
			doc:   "Who always asks again with the last number that it got misses nothing.",
			query: []parameter{{name: "after", kind: kindNumber, doc: "only those with a greater number"}, {name: "type", kind: kindText, doc: "only those of this type"}, {name: "subject", kind: kindText, doc: "only those about this"}, limitParameter},
			gives: v1.Events{}, status: 200, errors: []int{400}, answer: (*Handler).events},
		{method: get, path: "/inventory", role: reader, summary: "What was found when it was last looked what runs",
			query: []parameter{{name: "context", kind: kindText, doc: "only this place, with its report"}},
			gives: v1.Inventory{}, status: 200, errors: []int{400, 404}, answer: (*Handler).inventory},
		{method: get, path: "/checkpoint", role: reader, summary: "What the whole log is now",
			gives: v1.Checkpoint{}, status: 200, errors: []int{400}, answer: (*Handler).checkpoint},
		{method: get, path: "/openapi.json", role: open, summary: "This document",
			status: 200, errors: []int{400}, answer: (*Handler).openapi},
	}
}

//go:embed openapi.json
var document json.RawMessage

// Document returns the OpenAPI document of the API.
func Document() []byte { return document }

func (h *Handler) openapi(*http.Request, query) (answer, error) { return answer{body: document}, nil }
