package testregistry

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// A behaviour answers one request; nil is an honest one.
type behaviour func(*exchange)

// An exchange is one request with what a behaviour needs to answer it.
type exchange struct {
	Request
	s *Server
	w http.ResponseWriter
	r *http.Request
}

// Modes returns the names of all modes, sorted.
func Modes() []string {
	names := make([]string, 0, len(behaviours))
	for n := range behaviours {
		if n != "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Describe returns what a mode does, "" if there is no such mode.
func Describe(mode string) string { return descriptions[mode] }

var (
	behaviours   = collect(func(m modeSpec) behaviour { return m.do })
	descriptions = collect(func(m modeSpec) string { return m.doc })
)

type modeSpec struct {
	name, doc string
	do        behaviour
}

func collect[T any](get func(modeSpec) T) map[string]T {
	out := map[string]T{}
	for _, list := range [][]modeSpec{contentModes(), transportModes(), placeModes(), referrersModes(), requestModes()} {
		for _, m := range list {
			out[m.name] = get(m)
		}
	}
	var none modeSpec
	out[""] = get(none)
	return out
}

// manifest reports a request for a manifest.
func (x *exchange) manifest() bool { return x.Kind == ManifestTag || x.Kind == ManifestDigest }

// content reports a request for a manifest or blob.
func (x *exchange) content() bool { return x.manifest() || x.Kind == Blob }

// pass answers honestly.
func (x *exchange) pass() { x.s.honest.ServeHTTP(x.w, x.r) }

// honest returns the honest answer, with its body even to HEAD.
func (x *exchange) honest() *httptest.ResponseRecorder { return x.honestAt(x.r.URL.Path) }

func (x *exchange) honestAt(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	w := httptest.NewRecorder()
	x.s.honest.ServeHTTP(w, r)
	return w
}

// answer sends header and body of the honest answer w as changed by edit.
func (x *exchange) answer(w *httptest.ResponseRecorder, body []byte) {
	for k, v := range w.Header() {
		x.w.Header()[k] = v
	}
	if w.Code == http.StatusOK {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(w.Code)
	if x.Method != http.MethodHead {
		_, _ = x.w.Write(body)
	}
}

// wrong answers with other bytes of the same length under the same claims.
func (x *exchange) wrong() {
	w := x.honest()
	body := bytes.Clone(w.Body.Bytes())
	if w.Code == http.StatusOK && len(body) > 0 {
		corrupt(body)
	}
	x.answer(w, body)
}

// corrupt changes one byte so that JSON stays JSON.
func corrupt(b []byte) {
	if i := bytes.IndexByte(b, '"'); i >= 0 && b[0] == '{' {
		if j := bytes.LastIndex(b, []byte(`":"`)); j >= 0 && j+3 < len(b) && b[j+3] != '"' {
			b[j+3] = b[j+3]%10 + '0'
			if b[j+3] == '0' {
				b[j+3] = 'z'
			}
			return
		}
	}
	b[len(b)/2] ^= 0x01
}

func contentModes() []modeSpec {
	return []modeSpec{
		{"wrong-manifest", "manifests asked for by digest have another byte", func(x *exchange) { x.wrongIf(x.Kind == ManifestDigest) }},
		{"wrong-child", "manifests that no tag names have another byte", func(x *exchange) { x.wrongIf(x.Kind == ManifestDigest && !x.tagged()) }},
		{"wrong-config", "blobs that are JSON have another byte", func(x *exchange) { x.wrongIf(x.Kind == Blob && x.isJSON()) }},
		{"wrong-layer", "blobs that are no JSON have another byte", func(x *exchange) { x.wrongIf(x.Kind == Blob && !x.isJSON()) }},
		{"lying-digest", "Docker-Content-Digest names other bytes", lyingDigest},
		{"wrong-type", "indexes are served as manifests and manifests as indexes", func(x *exchange) { x.retype(swapped) }},
		{"text-type", "manifests are served as text/plain", func(x *exchange) { x.retype(func(string) string { return "text/plain" }) }},
		{"no-type", "manifests are served without Content-Type", func(x *exchange) { x.retype(func(string) string { return "" }) }},
		{"schema-1", "manifests asked for by digest are other bytes, said to be signed schema 1 of that digest", schema1},
		{"tag-flip", "a tag's first answer is honest; then it is the tag flip of the repository, or the same with a space more", tagFlip},
		{"head-lies", "HEAD of a tag claims another digest than GET", headLies},
		{"one-byte-more", "manifests by digest and blobs have one byte more", func(x *exchange) { x.resize(func(b []byte) []byte { return append(b, ' ') }) }},
		{"one-byte-less", "manifests by digest and blobs lack their last byte", func(x *exchange) { x.resize(func(b []byte) []byte { return b[:max(len(b)-1, 0)] }) }},
		{"oversize-manifest", "manifests are filled up with 5 MiB of spaces", oversize},
		{"gone-layers", "blobs that are no JSON are not there", func(x *exchange) { x.goneIf(x.Kind == Blob && !x.isJSON()) }},
		{"gone-config", "blobs that are JSON are not there", func(x *exchange) { x.goneIf(x.Kind == Blob && x.isJSON()) }},
		{"gone-child", "manifests that no tag names are not there", func(x *exchange) { x.goneIf(x.Kind == ManifestDigest && !x.tagged()) }},
	}
}

func (x *exchange) wrongIf(yes bool) {
	if yes {
		x.wrong()
		return
	}
	x.pass()
}

func (x *exchange) goneIf(yes bool) {
	if yes {
		refuse(x.w, http.StatusNotFound, "BLOB_UNKNOWN", "not here any more")
		return
	}
	x.pass()
}

func (x *exchange) isJSON() bool { return bytes.HasPrefix(x.honest().Body.Bytes(), []byte("{")) }

// tagged reports whether a tag of the repository names the digest asked for.
func (x *exchange) tagged() bool {
	list := x.honestAt("/v2/" + x.Repo + "/tags/list").Body.String()
	for _, t := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(`[]{}",:`, r) }) {
		if digestOf(x.honestAt("/v2/"+x.Repo+"/manifests/"+t).Body.Bytes()) == x.Reference {
			return true
		}
	}
	return false
}

func lyingDigest(x *exchange) {
	if !x.content() {
		x.pass()
		return
	}
	w := x.honest()
	w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
	x.answer(w, w.Body.Bytes())
}

func (x *exchange) retype(f func(string) string) {
	if !x.manifest() {
		x.pass()
		return
	}
	w := x.honest()
	if t := f(w.Header().Get("Content-Type")); t != "" {
		w.Header().Set("Content-Type", t)
	} else {
		w.Header()["Content-Type"] = nil
	}
	x.answer(w, w.Body.Bytes())
}

func swapped(t string) string {
	if strings.Contains(t, "index") || strings.Contains(t, "list") {
		return "application/vnd.oci.image.manifest.v1+json"
	}
	return "application/vnd.oci.image.index.v1+json"
}

func schema1(x *exchange) {
	if x.Kind != ManifestDigest {
		x.pass()
		return
	}
	w := x.honest()
	w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
	w.Header().Set("Docker-Content-Digest", x.Reference)
	x.answer(w, []byte(fmt.Sprintf(`{"schemaVersion":1,"name":%q,"tag":"x","fsLayers":[],"history":[],"signatures":[]}`, x.Repo)))
}

func tagFlip(x *exchange) {
	if x.Kind != ManifestTag || x.Reference == "flip" || strings.HasPrefix(x.Reference, "sha256-") || x.s.times("flip "+x.Repo) == 1 {
		x.pass()
		return
	}
	if w := x.honestAt("/v2/" + x.Repo + "/manifests/flip"); w.Code == http.StatusOK {
		x.answer(w, w.Body.Bytes())
		return
	}
	w := x.honest()
	body := append(bytes.Clone(w.Body.Bytes()), ' ')
	w.Header().Set("Docker-Content-Digest", digestOf(body))
	x.answer(w, body)
}

func headLies(x *exchange) {
	if x.Kind != ManifestTag || x.Method != http.MethodHead {
		x.pass()
		return
	}
	w := x.honest()
	w.Header().Set("Docker-Content-Digest", digestOf([]byte("another")))
	x.answer(w, w.Body.Bytes())
}

func (x *exchange) resize(f func([]byte) []byte) {
	if x.Kind != Blob && x.Kind != ManifestDigest {
		x.pass()
		return
	}
	w := x.honest()
	x.answer(w, f(bytes.Clone(w.Body.Bytes())))
}

func oversize(x *exchange) {
	if !x.manifest() {
		x.pass()
		return
	}
	w := x.honest()
	x.answer(w, append(bytes.Clone(w.Body.Bytes()), bytes.Repeat([]byte(" "), 5<<20)...))
}
