package testregistry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const indexType = "application/vnd.oci.image.index.v1+json"

func referrersModes() []modeSpec {
	list := []modeSpec{
		{"referrers-none", "the referrers API is not there", func(x *exchange) { x.status(http.StatusNotFound, "NOT_FOUND", "") }},
		{"referrers-405", "the referrers API is not allowed", func(x *exchange) { x.status(http.StatusMethodNotAllowed, "UNSUPPORTED", "") }},
		{"referrers-see-other", "the referrers API leads to a web page, as GHCR's", func(x *exchange) {
			x.w.Header().Set("Location", x.s.scheme()+"://"+x.s.Elsewhere+"/page")
			x.w.WriteHeader(http.StatusSeeOther)
		}},
		{"referrers-429", "the referrers API is rate-limited", func(x *exchange) { x.status(http.StatusTooManyRequests, "TOOMANYREQUESTS", "") }},
		{"referrers-500", "the referrers API fails", func(x *exchange) { x.status(http.StatusInternalServerError, "UNKNOWN", "") }},
		{"referrers-403", "the referrers API is forbidden", func(x *exchange) { x.status(http.StatusForbidden, "DENIED", "") }},
		{"referrers-garbage", "the referrers API answers with a web page", func(x *exchange) {
			x.w.Header().Set("Content-Type", "text/html")
			_, _ = x.w.Write([]byte("<html>welcome</html>"))
		}},
		{"referrers-hidden", "the list of referrers is empty", func(x *exchange) { x.list(nil, "") }},
		{"referrers-paged", "one referrer a page, after an empty first page", referrersPaged},
		{"referrers-loop", "the next page is the same page", func(x *exchange) { x.list(x.entries(), x.r.URL.RequestURI()) }},
		{"referrers-endless", "there is always another page", func(x *exchange) {
			x.list(nil, fmt.Sprintf("%s?page=%d", x.r.URL.Path, x.s.times("page")))
		}},
		{"referrers-elsewhere", "the next page is at the second listener", func(x *exchange) {
			x.list(x.entries(), x.s.scheme()+"://"+x.s.Elsewhere+x.r.URL.Path)
		}},
		{"referrers-broken-page", "the second page fails", func(x *exchange) {
			if x.r.URL.RawQuery == "" {
				x.list(nil, x.r.URL.Path+"?page=2")
				return
			}
			x.status(http.StatusNotFound, "NOT_FOUND", "")
		}},
		{"referrers-lie", "the list says application/vnd.oci.empty.v1+json of every artifact", func(x *exchange) {
			x.list(edit(x.entries(), func(m map[string]any) { m["artifactType"] = "application/vnd.oci.empty.v1+json" }), "")
		}},
		{"referrers-unrelated", "the list holds the tagged image itself too", func(x *exchange) {
			x.list(append(x.entries(), map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": x.Reference, "size": 1}), "")
		}},
		{"referrers-circle", "the image and its referrers have all of them as referrers", func(x *exchange) {
			image := x.s.first("image "+x.Repo, x.Reference)
			x.list(append(x.entriesOf(image), map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 1}), "")
		}},
		{"referrers-bad-digest", "the list holds a digest that is none", func(x *exchange) {
			x.list(append(x.entries(), map[string]any{"mediaType": indexType, "digest": "sha256:../../x", "size": 1}), "")
		}},
	}
	for i := range list {
		do := list[i].do
		list[i].do = func(x *exchange) {
			if x.Kind != Referrers {
				x.pass()
				return
			}
			do(x)
		}
	}
	return list
}

// entries returns the honest list, sorted, because the registry below lists in no
// order and pages need one.
func (x *exchange) entries() []map[string]any { return x.entriesOf(x.Reference) }

func (x *exchange) entriesOf(digest string) []map[string]any {
	var doc struct {
		Manifests []map[string]any `json:"manifests"`
	}
	_ = json.Unmarshal(x.honestAt("/v2/"+x.Repo+"/referrers/"+digest).Body.Bytes(), &doc)
	slices.SortFunc(doc.Manifests, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["digest"]), fmt.Sprint(b["digest"]))
	})
	return doc.Manifests
}

func edit(list []map[string]any, f func(map[string]any)) []map[string]any {
	for _, m := range list {
		f(m)
	}
	return list
}

func (x *exchange) list(entries []map[string]any, next string) {
	if entries == nil {
		entries = []map[string]any{}
	}
	x.w.Header().Set("Content-Type", indexType)
	if next != "" {
		x.w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	_ = json.NewEncoder(x.w).Encode(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": entries})
}

func referrersPaged(x *exchange) {
	all := x.entries()
	var n int
	_, _ = fmt.Sscanf(strings.TrimPrefix(x.r.URL.RawQuery, "page="), "%d", &n)
	next := ""
	if n < len(all) {
		next = fmt.Sprintf("%s?page=%d", x.r.URL.Path, n+1)
	}
	if n == 0 || n > len(all) {
		x.list(nil, next)
		return
	}
	x.list(all[n-1:n], next)
}
