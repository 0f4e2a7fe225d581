package docker_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/docker"
)

var update = flag.Bool("update", false, "write the golden files")

// recorded answers with what a real engine once said.
func recorded(t *testing.T, name string) *dockertest.Engine {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		API     string
		Answers map[string]json.RawMessage
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	e := dockertest.Docker()
	e.API, e.Podman = file.API, strings.HasPrefix(name, "podman")
	e.Fault = func(w http.ResponseWriter, r *http.Request, path string) bool {
		if r.URL.RawQuery != "" {
			path += "?" + r.URL.RawQuery
		}
		answer, ok := file.Answers[path]
		if !ok {
			return false
		}
		var failed struct{ Message string }
		if json.Unmarshal(answer, &failed) == nil && failed.Message != "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(answer)
		return true
	}
	return e
}

// The same containers under three engines: what each of them says of a service
// of Compose, of tight and of open settings, of an image whose tag has moved, of
// one that is named by its ID, and of what does not run.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"docker-20.10", "docker-29", "podman-4.3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, inv, err := observed(t, observer(t, recorded(t, name), docker.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s %s %v %+v\n", inv.Kind, inv.Name, inv.Version, inv.Counts, inv.Gaps)
			for _, c := range all {
				b.WriteString(text(t, c))
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

func text(t *testing.T, c observe.Container) string {
	t.Helper()
	container, err := json.Marshal(c.Spec.Container)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(c.Spec.Settings)
	if err != nil {
		t.Fatal(err)
	}
	since := "never"
	if !c.Since.IsZero() {
		since = c.Since.Format(time.RFC3339)
	}
	return fmt.Sprintf("\n%s %.12s on %s since %s\n  workload %+v\n  reported %q (%s), manifest %q\n  also %q local %v\n  tag %q\n  %s\n  %s\n",
		c.Pod, c.ID, c.Node, since, c.Workload, c.Reported, c.ReportedKind, c.Manifest, c.Also, c.AlsoLocal, c.NodeTag, container, settings)
}
