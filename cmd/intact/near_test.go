package main

import "testing"

func TestNear(t *testing.T) {
	t.Parallel()
	flags := []string{"policy", "platform", "key", "format", "output", "no-cache"}
	for name, want := range map[string]string{
		"polciy": "policy", "polcy": "policy", "policies": "", "formats": "format", "nocache": "no-cache", "outptu": "output",
		"key2": "key", "ky": "", "kez": "key", "x": "", "": "", "fromage": "",
	} {
		if got := near(name, flags); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// What Kubernetes sets in a container beside a Service of the name intact, and what
// has nothing like it, is not talked about.
func TestVariablesOfOthers(t *testing.T) {
	t.Parallel()
	known := trimmed(variables(newApp(program{}).Commands))
	if len(known) < 40 {
		t.Fatalf("got %d variables: %q", len(known), known)
	}
	for _, name := range []string{"PORT", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8080_TCP", "PORT_8080_TCP_ADDR", "PORT_8080_TCP_PROTO", "E2E_BINARY", "E2E_CACHE", "LOAD_SECONDS", "KILLS"} {
		if meant := near(name, known); meant != "" {
			t.Errorf("%s is taken for %s", name, meant)
		}
	}
}
