//go:build unix

package kubernetes

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return name
}

// kubeconfig has contexts that work and some that don't.
func kubeconfig(t *testing.T, server, user string) string {
	t.Helper()
	return kubeconfigTLS(t, server, user, nil)
}

// kubeconfigTLS trusts a certificate. client-go sends no credentials without TLS.
func kubeconfigTLS(t *testing.T, server, user string, ca *x509.Certificate) string {
	t.Helper()
	data := ""
	if ca != nil {
		data = base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
	}
	return write(t, "config", fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %q}}, {name: none, cluster: {}}]
users: [{name: u, user: %s}]
contexts:
- {name: prod, context: {cluster: c, user: u, namespace: shop}}
- {name: test, context: {cluster: c, user: u}}
- {name: nocluster, context: {cluster: x, user: u}}
- {name: noserver, context: {cluster: none, user: u}}
- {name: nouser, context: {cluster: c, user: x}}
`, server, data, user), 0o600)
}

func TestContexts(t *testing.T) {
	t.Parallel()
	a := kubeconfig(t, "https://127.0.0.1:1", "{}")
	b := write(t, "b", "apiVersion: v1\nkind: Config\ncurrent-context: other\ncontexts: [{name: other, context: {cluster: c, user: u}}]\n", 0o600)
	names, current, err := Contexts(a, b)
	if err != nil || current != "prod" {
		t.Errorf("current %q, %v", current, err)
	}
	if diff := cmp.Diff([]string{"nocluster", "noserver", "nouser", "other", "prod", "test"}, names); diff != "" {
		t.Errorf("contexts (-want +got):\n%s", diff)
	}
	if _, _, err := Contexts(a + "x"); image.CauseOf(err) != fact.NotFound {
		t.Errorf("error %v", err)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Setenv("KUBECONFIG", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	good := []string{kubeconfig(t, "https://127.0.0.1:1", "{}")}
	tests := []struct {
		name  string
		o     Options
		err   string
		cause fact.Cause
		hint  string
	}{
		{"no_kubeconfig", Options{}, "there is none, and this is no pod", fact.NotFound, "--kubeconfig"},
		{"no_such_file", Options{Kubeconfig: []string{"/nowhere/config"}}, `load kubeconfig "/nowhere/config": no such file`, fact.NotFound, ""},
		{"no_yaml", Options{Kubeconfig: []string{write(t, "x", "a: [", 0o600)}}, "load kubeconfig", fact.Unsupported, ""},
		{"empty", Options{Kubeconfig: []string{write(t, "x", "", 0o600)}}, "no current context", fact.NotFound, ""},
		{"no_such_context", Options{Kubeconfig: good, Context: "prd"}, `no context "prd"`, fact.NotFound, `"prod" "test"`},
		{"no_cluster", Options{Kubeconfig: good, Context: "nocluster"}, `names cluster "x"`, fact.NotFound, ""},
		{"no_server", Options{Kubeconfig: good, Context: "noserver"}, "has no server", fact.NotFound, ""},
		{"no_user", Options{Kubeconfig: good, Context: "nouser"}, `names user "x"`, fact.NotFound, ""},
		{"no_cluster_around", Options{InCluster: true}, "service account", fact.NotFound, "run in a pod"},
		{"in_cluster_with_a_context", Options{InCluster: true, Context: "prod"}, "no meaning in the cluster", fact.Internal, ""},
		{"selector", Options{Kubeconfig: good, Selector: "a in"}, `selector "a in"`, fact.Internal, ""},
		{"namespace", Options{Kubeconfig: good, Namespaces: []string{"../x"}}, `namespace "../x"`, fact.Internal, ""},
		{"page_size", Options{Kubeconfig: good, PageSize: -1}, "page size -1", fact.Internal, ""},
		{"a_certificate_that_is_none", Options{Kubeconfig: []string{kubeconfig(t, "https://127.0.0.1:1", `{client-certificate-data: eA==, client-key-data: eA==}`)}}, "certificate", fact.Internal, ""},
		{"a_provider_that_is_gone", Options{Kubeconfig: []string{kubeconfig(t, "https://127.0.0.1:1", `{auth-provider: {name: gcp}}`)}}, "gcp", fact.Internal, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.err) || image.CauseOf(err) != tt.cause || !strings.Contains(image.HintOf(err), tt.hint) {
				t.Errorf("error %v with cause %q and hint %q; want %q, %q, %q", err, image.CauseOf(err), image.HintOf(err), tt.err, tt.cause, tt.hint)
			}
		})
	}
}

// The credentials of a kubeconfig get to the server, and into no message.
func TestCredentials(t *testing.T) {
	t.Parallel()
	token, err := json.Marshal(map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": map[string]string{"token": "token-of-a-plugin"}})
	if err != nil {
		t.Fatal(err)
	}
	plugin := write(t, "plugin", "#!/bin/sh\necho '"+string(token)+"'\n", 0o755)
	broken := write(t, "broken", "#!/bin/sh\nexit 7\n", 0o755)
	exec := func(command string) string {
		return fmt.Sprintf("{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: %q}}", command)
	}
	tests := []struct {
		name, user, want string
		err              string
		cause            fact.Cause
	}{
		{"token", "{token: token-of-the-file}", "Bearer token-of-the-file", "401", fact.Unauthenticated},
		{"password", "{username: u, password: secret-word}", "Basic dTpzZWNyZXQtd29yZA==", "401", fact.Unauthenticated},
		{"plugin", exec(plugin), "Bearer token-of-a-plugin", "401", fact.Unauthenticated},
		{"no_plugin", exec("intact-no-such-plugin"), "", "executable intact-no-such-plugin not found", fact.Unauthenticated},
		{"broken_plugin", exec(broken), "", "exit code 7", fact.Unauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 100)
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got <- r.Header.Get("Authorization") + " " + r.UserAgent()
				status(w, http.StatusUnauthorized, "Unauthorized", "no "+r.Header.Get("Authorization"), nil)
			}))
			t.Cleanup(srv.Close)
			o, err := New(Options{Kubeconfig: []string{kubeconfigTLS(t, srv.URL, tt.user, srv.Certificate())}, UserAgent: "intact/1"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(o.Close)
			_, err = o.Observe(t.Context(), func(observe.Container) {})
			if err == nil || image.CauseOf(err) != tt.cause || !strings.Contains(err.Error(), tt.err) || image.HintOf(err) == "" {
				t.Errorf("error %v with cause %q and hint %q, want %q with %q", err, image.CauseOf(err), image.HintOf(err), tt.cause, tt.err)
			}
			for _, s := range []string{"token-of-the-file", "secret-word", "\n"} {
				if strings.Contains(err.Error(), s) {
					t.Errorf("error %v has a secret in it", err)
				}
			}
			if tt.want == "" {
				return
			}
			if sent := <-got; sent != tt.want+" intact/1" {
				t.Errorf("sent %q, want %q", sent, tt.want)
			}
		})
	}
}

// A redirect is not followed: client-go would send the credentials along.
func TestRedirectsGetNoCredentials(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	srv := httptest.NewTLSServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(srv.Close)
	o, err := New(Options{Kubeconfig: []string{kubeconfigTLS(t, srv.URL, "{token: token-of-the-file}", srv.Certificate())}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	if _, err = o.Observe(t.Context(), func(observe.Container) {}); err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Errorf("error %v", err)
	}
}

// The name of the context is the cluster's, unless another is given; the server
// may be below a path, as behind a proxy of many clusters.
func TestNames(t *testing.T) {
	t.Parallel()
	f := town(t)
	srv := httptest.NewServer(http.StripPrefix("/k8s/clusters/c-1", f))
	t.Cleanup(srv.Close)
	for want, o := range map[string]Options{"prod": {}, "test": {Context: "test"}, "eu-1": {Cluster: "eu-1"}} {
		o.Kubeconfig = []string{kubeconfig(t, srv.URL+"/k8s/clusters/c-1/", "{}")}
		observer, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(observer.Close)
		n := 0
		inv, err := observer.Observe(t.Context(), func(observe.Container) { n++ })
		if err != nil || inv.Name != want || n != 3 {
			t.Errorf("cluster %q with %d containers, %v; want %q", inv.Name, n, err, want)
		}
	}
}

// A certificate that is not trusted is said to be that.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	o, err := New(Options{Kubeconfig: []string{kubeconfig(t, srv.URL, "{}")}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Observe(t.Context(), func(observe.Container) {})
	if image.CauseOf(err) != fact.Network || !strings.Contains(err.Error(), "x509") || !strings.Contains(image.HintOf(err), "certificate-authority") {
		t.Errorf("error %v with cause %q and hint %q", err, image.CauseOf(err), image.HintOf(err))
	}
}

// Nobody answers: one clear error, without waiting for what never was there.
func TestNoServer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	o, err := New(Options{Kubeconfig: []string{kubeconfig(t, srv.URL, "{}")}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Observe(t.Context(), func(observe.Container) {})
	if image.CauseOf(err) != fact.Network || !strings.Contains(err.Error(), "reach cluster prod: connect to 127.0.0.1:") {
		t.Errorf("error %v with cause %q", err, image.CauseOf(err))
	}
}
