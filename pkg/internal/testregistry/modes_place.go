package testregistry

import (
	"fmt"
	"net/http"
	"strconv"
)

func placeModes() []modeSpec {
	to := func(target string) behaviour { return func(x *exchange) { x.lead(target) } }
	return []modeSpec{
		{"redirect-loop", "everything leads to itself", func(x *exchange) { x.lead(x.r.URL.RequestURI()) }},
		{"redirect-circle", "everything leads on and on, each time elsewhere", redirectCircle},
		{"redirect-metadata", "content leads to the metadata address of clouds", to("http://169.254.169.254/latest/meta-data/")},
		{"redirect-private", "content leads to a private address", to("http://10.0.0.1/")},
		{"redirect-odd", "content leads to an odd spelling of the metadata address", to("http://2852039166/latest/")},
		{"redirect-file", "content leads to a file", to("file:///etc/passwd")},
		{"redirect-blob", "blobs lead to the second listener, which has them", func(x *exchange) {
			if x.Kind == Blob {
				x.lead(x.s.scheme() + "://" + x.s.Elsewhere + x.r.URL.Path)
				return
			}
			x.pass()
		}},
		{"redirect-manifest", "manifests lead to the second listener, which has none", func(x *exchange) {
			if x.manifest() {
				x.lead(x.s.scheme() + "://" + x.s.Elsewhere + x.r.URL.Path)
				return
			}
			x.pass()
		}},
		{"realm-elsewhere", "the token server is said to be the second listener", func(x *exchange) {
			x.challenge(x.s.scheme() + "://" + x.s.Elsewhere + "/token")
		}},
		{"realm-metadata", "the token server is said to be the metadata address", func(x *exchange) { x.challenge("http://169.254.169.254/token") }},
		{"realm-file", "the token server is said to be a file", func(x *exchange) { x.challenge("file:///etc/passwd") }},
	}
}

func (x *exchange) lead(target string) {
	x.w.Header().Set("Location", target)
	x.w.WriteHeader(http.StatusTemporaryRedirect)
}

func redirectCircle(x *exchange) {
	n, _ := strconv.Atoi(x.r.URL.Query().Get("n"))
	x.lead(fmt.Sprintf("%s?n=%d", x.r.URL.Path, n+1))
}

func (x *exchange) challenge(realm string) {
	x.w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test"`, realm))
	refuse(x.w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}
