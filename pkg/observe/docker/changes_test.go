package docker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/storage"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/docker"

	intactimage "github.com/intact-dev/intact/pkg/image"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, changes string
		want          []observe.Written
		cause         fact.Cause
		text          string
	}{
		{"null", `null`, nil, "", ""},
		{"in_the_order_of_paths", `[{"Path":"/b-c","Kind":1},{"Path":"/b/x","Kind":0},{"Path":"/a","Kind":2},{"Path":"/b","Kind":0}]`, []observe.Written{
			{Path: "/a", Claimed: "removed", Removed: true}, {Path: "/b", Claimed: "changed"}, {Path: "/b/x", Claimed: "changed"}, {Path: "/b-c", Claimed: "added"}}, "", ""},
		{"mounts_and_the_engine's_own", `[{"Path":"/data","Kind":2},{"Path":"/data/x","Kind":2},{"Path":"/etc/hosts","Kind":0},{"Path":"/dev/x","Kind":1},{"Path":"/run/secrets/x","Kind":1}]`,
			[]observe.Written{{Path: "/run/secrets/x", Claimed: "added"}}, "", ""},
		{"unknown_kind", `[{"Path":"/a","Kind":1},{"Path":"/b","Kind":7}]`, []observe.Written{{Path: "/a", Claimed: "added"}}, fact.ServerError, `the engine says 7 of "/b"`},
		{"relative_path", `[{"Path":"etc","Kind":1}]`, nil, fact.ServerError, "not absolute"},
		{"cut", `[{"Path":"/a","Kind":1},`, []observe.Written{{Path: "/a", Claimed: "added"}}, fact.CutShort, "ends early"},
		{"no_list", `{"message":"x"}`, nil, fact.ServerError, "not with a list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := dockertest.Running(idOf(0), "api", config, "x")
			in.Mounts = []container.MountPoint{{Type: mount.TypeVolume, Destination: "/data"}}
			e := dockertest.Docker()
			e.Containers = []container.InspectResponse{in}
			e.Changes = map[string]any{in.ID: json.RawMessage(tt.changes)}
			if tt.name == "cut" {
				e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
					if strings.HasSuffix(path, "/changes") {
						_, _ = w.Write([]byte(tt.changes))
						return true
					}
					return false
				}
			}
			o := observer(t, e, docker.Options{})
			if how, claims := o.Reads(); !claims || how != "the engine's own comparison" {
				t.Errorf("reads %q, claims %v", how, claims)
			}
			var got []observe.Written
			err := o.Written(t.Context(), observe.Container{ID: in.ID}, func(w observe.Written) { got = append(got, w) })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			if tt.cause == "" && err != nil || tt.cause != "" && (intactimage.CauseOf(err) != tt.cause || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("error %v with cause %q, want %q with cause %q", err, intactimage.CauseOf(err), tt.text, tt.cause)
			}
		})
	}
}

func TestWrittenByNobody(t *testing.T) {
	t.Parallel()
	o := observer(t, dockertest.Docker(), docker.Options{})
	err := o.Written(t.Context(), observe.Container{ID: idOf(0)}, func(observe.Written) { t.Error("something was written") })
	if intactimage.CauseOf(err) != fact.NotFound {
		t.Errorf("error %v with cause %q", err, intactimage.CauseOf(err))
	}
}

// Where files are to be read and cannot be, what the engine says is taken
// instead, and never for the whole truth: without an error, a container of which
// the engine says nothing would pass for untouched.
func TestClaimsInPlaceOfFiles(t *testing.T) {
	t.Parallel()
	in := dockertest.Running(idOf(0), "api", config, "x")
	in.GraphDriver = &storage.DriverData{Name: "vfs"}
	e := dockertest.Docker()
	e.Containers = []container.InspectResponse{in}
	e.Changes = map[string]any{in.ID: json.RawMessage(`[{"Path":"/a","Kind":1}]`)}
	o, err := docker.New(docker.Options{Engine: dockerengine.Options{Host: e.ServeSocket(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	o.AsRoot()
	if how, claims := o.Reads(); claims || how != "the overlay's upper directory" {
		t.Errorf("reads %q, claims %v", how, claims)
	}
	var got []observe.Written
	err = o.Written(t.Context(), observe.Container{ID: in.ID}, func(w observe.Written) { got = append(got, w) })
	if diff := cmp.Diff([]observe.Written{{Path: "/a", Claimed: "added"}}, got); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if intactimage.CauseOf(err) != fact.Unsupported || !strings.Contains(err.Error(), `the storage driver "vfs" keeps no upper directory; only the engine's own comparison was taken`) {
		t.Errorf("error %v", err)
	}
}

// Whatever an engine says of a container, it is yielded or missed, and said so.
func FuzzInspect(f *testing.F) {
	one, err := json.Marshal(dockertest.Running(idOf(0), "api", config, "acme/api:1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	for _, s := range []string{
		`{"Id":"` + idOf(0) + `"}`, `{"Id":"` + idOf(0) + `","State":{},"Config":{},"HostConfig":{}}`, `null`, `[]`, ``,
		`{"Id":"` + idOf(0) + `","State":{"Status":"running"},"Config":{"Image":"sha256:x"},"HostConfig":{"Tmpfs":{"":"ro"},"CapAdd":["",null]},"Mounts":[{"Destination":"C:\\x"},{}],"Image":"sha256:"}`,
	} {
		f.Add([]byte(s))
	}
	var answer []byte
	e := dockertest.Docker()
	e.Containers = []container.InspectResponse{{ID: idOf(0)}}
	e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		mine := path == "/containers/"+idOf(0)+"/json"
		if mine {
			_, _ = w.Write(answer)
		}
		return mine
	}
	o := observer(f, e, docker.Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		answer = b
		all, inv, err := observed(t, o)
		if err != nil || len(all)+len(inv.Gaps) != 1 {
			t.Errorf("%d containers, gaps %+v, %v", len(all), inv.Gaps, err)
		}
		for _, c := range all {
			if c.Pod == "" || c.Spec == nil || c.Spec.Container.Phase != fact.PhaseRunning && c.Reported != "" {
				t.Errorf("container %+v", c)
			}
		}
	})
}
