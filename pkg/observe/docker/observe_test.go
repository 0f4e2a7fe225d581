package docker_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/intact-dev/intact/pkg/fact"
	intactimage "github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/docker"
	"github.com/intact-dev/intact/pkg/observe/observetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	observetest.Run(t, observetest.Suite{Roles: []fact.Role{fact.RoleMain}, Open: func(t *testing.T, p *observetest.Place) observe.Observer {
		return observer(t, engineOf(p), docker.Options{})
	}})
}

// engineOf is an engine that holds p.
func engineOf(p *observetest.Place) *dockertest.Engine {
	e := dockertest.Docker()
	hidden := map[string]bool{}
	for i, c := range p.Containers {
		in := dockertest.Running(idOf(i), c.Pod, c.Reported, c.Image)
		in.State.Status = map[fact.Phase]container.ContainerState{fact.PhaseRunning: "running", fact.PhaseWaiting: "restarting", fact.PhaseFinished: "exited"}[c.Phase]
		in.State.Running = c.Phase != fact.PhaseFinished
		e.Containers = append(e.Containers, in)
		hidden[in.ID] = c.Hidden
	}
	var asked atomic.Int64
	e.Fault = func(w http.ResponseWriter, r *http.Request, path string) bool {
		id, one := strings.CutSuffix(strings.TrimPrefix(path, "/containers/"), "/json")
		if !one || !strings.HasPrefix(path, "/containers/") {
			return false
		}
		n := asked.Add(1)
		switch {
		case p.Fault == observetest.HidesPart && hidden[id]:
			dockertest.Fail(w, http.StatusForbidden, "authorization denied")
		case p.Fault == observetest.Dies && n > 300:
			panic(http.ErrAbortHandler)
		case p.Fault == observetest.Hangs && n > 300:
			p.Hung()
			dockertest.Hang(r)
		default:
			return false
		}
		return true
	}
	return e
}

func idOf(i int) string { return fmt.Sprintf("%064x", i+1) }

func observer(t testing.TB, e *dockertest.Engine, o docker.Options) *docker.Observer {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute // a busy machine is slow
	}
	o.Engine = dockerengine.Options{Host: e.Serve(t), Getenv: func(string) string { return "" }}
	out, err := docker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return out
}

func observed(t testing.TB, o observe.Observer) ([]observe.Container, observe.Inventory, error) {
	t.Helper()
	var all []observe.Container
	inv, err := o.Observe(t.Context(), func(c observe.Container) { all = append(all, c) })
	slices.SortFunc(all, func(a, b observe.Container) int { return strings.Compare(a.Pod, b.Pod) })
	return all, inv, err
}

const (
	config   = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	index    = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	manifest = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
	other    = "sha256:4444444444444444444444444444444444444444444444444444444444444444"
)

// What an ID names depends on the store, and is said.
func TestIdentity(t *testing.T) {
	t.Parallel()
	const name, pushed = "ghcr.io/acme/api:1", "ghcr.io/acme/api@"
	descriptor := func(mediaType, d string) *v1.Descriptor {
		return &v1.Descriptor{MediaType: mediaType, Digest: digest.Digest(d)}
	}
	containerd := func(api string) func() *dockertest.Engine {
		return func() *dockertest.Engine {
			e := dockertest.Docker()
			e.API = api
			e.Info.DriverStatus = [][2]string{dockertest.ContainerdStatus}
			return e
		}
	}
	podman := func() *dockertest.Engine {
		e := dockertest.Docker()
		e.Podman = true
		return e
	}
	tests := []struct {
		name   string
		engine func() *dockertest.Engine
		id     string
		ran    *v1.Descriptor // ImageManifestDescriptor
		images []image.InspectResponse
		want   observe.Container
	}{
		{"graph_driver", dockertest.Docker, config, nil,
			[]image.InspectResponse{{ID: config, RepoTags: []string{name}, RepoDigests: []string{pushed + index}}},
			observe.Container{Reported: config, ReportedKind: fact.DigestConfig, Also: []string{pushed + index}, NodeTag: config}},
		{"graph_driver_tag_moved", dockertest.Docker, config, nil,
			[]image.InspectResponse{{ID: config, RepoDigests: []string{pushed + index}}, {ID: other, RepoTags: []string{name}}},
			observe.Container{Reported: config, ReportedKind: fact.DigestConfig, Also: []string{pushed + index}, NodeTag: other}},
		{"graph_driver_image_gone", dockertest.Docker, config, nil, nil,
			observe.Container{Reported: config, ReportedKind: fact.DigestConfig}},
		{"containerd_index", containerd("1.48"), index, descriptor("", manifest),
			[]image.InspectResponse{{ID: index, RepoTags: []string{name}, RepoDigests: []string{pushed + index}, Descriptor: descriptor(intactimage.TypeOCIIndex, index)}},
			observe.Container{Reported: index, ReportedKind: fact.DigestIndex, Manifest: manifest, Also: []string{pushed + index}, AlsoLocal: true, NodeTag: index}},
		{"containerd_manifest", containerd("1.48"), manifest, descriptor("", manifest),
			[]image.InspectResponse{{ID: manifest, RepoTags: []string{name}, Descriptor: descriptor(intactimage.TypeDockerManifest, manifest)}},
			observe.Container{Reported: manifest, ReportedKind: fact.DigestManifest, Manifest: manifest, NodeTag: manifest}},
		{"containerd_before_descriptors", containerd("1.44"), index, nil,
			[]image.InspectResponse{{ID: index, RepoTags: []string{name}, RepoDigests: []string{pushed + index}}},
			observe.Container{Reported: index, Also: []string{pushed + index}, AlsoLocal: true, NodeTag: index}},
		{"containerd_image_gone", containerd("1.48"), index, nil, nil, observe.Container{Reported: index}},
		{"descriptor_of_another_image", containerd("1.48"), index, descriptor("", "sha256:short"),
			[]image.InspectResponse{{ID: index, Descriptor: descriptor(intactimage.TypeOCIManifest, other)}}, observe.Container{Reported: index}},
		{"podman", podman, config, nil,
			[]image.InspectResponse{{ID: config, RepoTags: []string{name}, RepoDigests: []string{pushed + manifest}}},
			observe.Container{Reported: config, Also: []string{pushed + manifest}, AlsoLocal: true, NodeTag: config}},
		{"no_image_at_all", podman, "", nil, nil, observe.Container{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := tt.engine()
			in := dockertest.Running(idOf(0), "api", tt.id, name)
			in.ImageManifestDescriptor = tt.ran
			e.Containers, e.Images = []container.InspectResponse{in}, tt.images
			all, inv, err := observed(t, observer(t, e, docker.Options{}))
			if err != nil || len(all) != 1 || len(inv.Gaps) > 0 {
				t.Fatalf("%d containers, gaps %+v, %v", len(all), inv.Gaps, err)
			}
			c := all[0]
			got := observe.Container{Reported: c.Reported, ReportedKind: c.ReportedKind, Manifest: c.Manifest, Also: c.Also, AlsoLocal: c.AlsoLocal, NodeTag: c.NodeTag}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

// An image named by its ID has no reference, whatever that looks like.
func TestNames(t *testing.T) {
	t.Parallel()
	hex := strings.TrimPrefix(config, "sha256:")
	tests := []struct {
		name, given string
		tags        []string
		want        string // of the reference
	}{
		{"reference", "acme/api:1", nil, "acme/api:1"},
		{"id", config, nil, ""},
		{"bare_id", hex, nil, ""},
		{"short_id", hex[:12], nil, ""},
		{"short_id_of_another", "abcdef", nil, "abcdef"},
		{"name_like_an_id", hex[:4], []string{hex[:4] + ":latest"}, hex[:4]},
		{"nothing", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := dockertest.Docker()
			e.Containers = []container.InspectResponse{dockertest.Running(idOf(0), "api", config, tt.given)}
			e.Images = []image.InspectResponse{{ID: config, RepoTags: tt.tags}}
			all, _, err := observed(t, observer(t, e, docker.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			if d := all[0].Spec.Container; d.Image != tt.given || d.Ref.String() != tt.want {
				t.Errorf("image %q with reference %q, want %q with %q", d.Image, d.Ref, tt.given, tt.want)
			}
		})
	}
}

// A container that goes away between the list and the look at it is counted. One
// whose description cannot be used is a gap, and so is an image; the rest is
// looked at all the same.
func TestParts(t *testing.T) {
	t.Parallel()
	e := dockertest.Docker()
	for i := range 30 {
		e.Containers = append(e.Containers, dockertest.Running(idOf(i), fmt.Sprintf("c%02d", i), config, "acme/api:1"))
	}
	e.Containers[3].State = nil
	e.Containers[4].HostConfig = nil
	e.Containers[6].Image = other
	e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		switch path {
		case "/containers/" + idOf(1) + "/json":
			dockertest.NotFound(w, "No such container")
		case "/containers/" + idOf(2) + "/json":
			dockertest.Fail(w, 500, "layer is damaged")
		case "/containers/" + idOf(5) + "/json":
			_, _ = w.Write([]byte(`{"Id":`))
		case "/images/" + other + "/json":
			dockertest.Fail(w, 500, "image is damaged")
		default:
			return false
		}
		return true
	}
	all, inv, err := observed(t, observer(t, e, docker.Options{}))
	if err != nil || len(all) != 25 {
		t.Fatalf("%d containers, %v; want 25", len(all), err)
	}
	wantCounts := []observe.Count{{What: "containers", N: 25}, {What: "containers that went away while they were looked at", N: 1}}
	if diff := cmp.Diff(wantCounts, inv.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	var gaps []string
	for _, g := range inv.Gaps {
		gaps = append(gaps, fmt.Sprintf("%s: %s: %s", g.What, g.Cause, g.Why))
	}
	want := []string{
		`container 000000000000: cut-short: its answer ends early: unexpected EOF`,
		`container 000000000000: server-error: it answered 500 Internal Server Error: "layer is damaged"`,
		`container 000000000000: server-error: the engine's description has no state, configuration or host configuration`,
		`container 000000000000: server-error: the engine's description has no state, configuration or host configuration`,
		`image ` + other + `: server-error: it answered 500 Internal Server Error: "image is damaged"`,
	}
	slices.Sort(gaps)
	if diff := cmp.Diff(want, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// Of many gaps the first are listed and the rest counted.
func TestManyGaps(t *testing.T) {
	t.Parallel()
	e := dockertest.Docker()
	for i := range 500 {
		e.Containers = append(e.Containers, dockertest.Running(idOf(i), "x", config, "x"))
	}
	e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		broken := strings.HasPrefix(path, "/containers/0")
		if broken {
			dockertest.Fail(w, 403, "no")
		}
		return broken
	}
	all, inv, err := observed(t, observer(t, e, docker.Options{}))
	if err != nil || len(all) != 0 || len(inv.Gaps) != 21 {
		t.Fatalf("%d containers, %d gaps, %v", len(all), len(inv.Gaps), err)
	}
	if last := inv.Gaps[20]; last.What != "480 more containers or images" || last.Cause != fact.Forbidden {
		t.Errorf("the last gap is %+v", last)
	}
}

// One container that hangs is a gap; an engine that hangs is lost.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"one": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := dockertest.Docker()
			for i := range 20 {
				e.Containers = append(e.Containers, dockertest.Running(idOf(i), fmt.Sprint(i), config, "x"))
			}
			e.Fault = func(_ http.ResponseWriter, r *http.Request, path string) bool {
				hangs := strings.HasPrefix(path, "/containers/0") && (lost || strings.Contains(path, idOf(7)))
				if hangs {
					dockertest.Hang(r)
				}
				return hangs
			}
			all, inv, err := observed(t, observer(t, e, docker.Options{Timeout: 5 * time.Second}))
			if lost {
				if intactimage.CauseOf(err) != fact.Network || len(all) > 0 {
					t.Errorf("%d containers, %v; want none and no answer", len(all), err)
				}
				return
			}
			if err != nil || len(all) != 19 || len(inv.Gaps) != 1 || inv.Gaps[0].Cause != fact.Network {
				t.Errorf("%d containers, gaps %+v, %v; want 19 and one gap", len(all), inv.Gaps, err)
			}
		})
	}
}

// An engine that dies is lost; what is left of its containers is no gap each.
func TestLostEngine(t *testing.T) {
	t.Parallel()
	e := dockertest.Docker()
	for i := range 300 {
		e.Containers = append(e.Containers, dockertest.Running(idOf(i), fmt.Sprint(i), config, "x"))
	}
	var asked atomic.Int64
	e.Fault = func(_ http.ResponseWriter, _ *http.Request, path string) bool {
		if strings.HasPrefix(path, "/containers/0") && asked.Add(1) > 5 {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	all, inv, err := observed(t, observer(t, e, docker.Options{}))
	if intactimage.CauseOf(err) != fact.Network || len(all) > 5 || len(inv.Gaps) > 0 || asked.Load() > 50 {
		t.Errorf("%d containers, gaps %+v, %d requests, %v; want at most 5 and the end", len(all), inv.Gaps, asked.Load(), err)
	}
}

// A list that is cut leaves what came, and an error.
func TestCutList(t *testing.T) {
	t.Parallel()
	e := dockertest.Docker()
	e.Containers = []container.InspectResponse{dockertest.Running(idOf(0), "a", config, "x"), dockertest.Running(idOf(1), "b", config, "x")}
	e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if path == "/containers/json" {
			dockertest.Cut(w, fmt.Sprintf(`[{"Id":%q},`, idOf(0)))
		}
		return false
	}
	all, inv, err := observed(t, observer(t, e, docker.Options{}))
	if intactimage.CauseOf(err) != fact.CutShort || len(all) != 1 || inv.Name != "host1" || inv.Counts[0].N != 1 {
		t.Errorf("%d containers, %+v, %v; want one and its cause", len(all), inv, err)
	}
}
