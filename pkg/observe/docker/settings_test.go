package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/observe"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const anonymous = "53be63690198f71fb7e68a7829461cfd5d19e577c02ece9cc58dadf612645299"
	tests := []struct {
		name string
		info dockerengine.Info
		h    container.HostConfig
		m    []container.MountPoint
		want fact.Settings
	}{
		{"nothing_said", dockerengine.Info{}, container.HostConfig{}, nil, fact.Settings{HostUsers: fact.Yes}},
		{"no_new_privileges", dockerengine.Info{}, container.HostConfig{SecurityOpt: []string{"label=disable", "no-new-privileges"}}, nil,
			fact.Settings{MayEscalate: fact.No, HostUsers: fact.Yes}},
		{"no_new_privileges_by_default", dockerengine.Info{NoNewPrivileges: true}, container.HostConfig{}, nil, fact.Settings{MayEscalate: fact.No, HostUsers: fact.Yes}},
		{"new_privileges_against_the_default", dockerengine.Info{NoNewPrivileges: true}, container.HostConfig{SecurityOpt: []string{"no-new-privileges=false"}}, nil,
			fact.Settings{MayEscalate: fact.Yes, HostUsers: fact.Yes}},
		{"the_last_word", dockerengine.Info{}, container.HostConfig{SecurityOpt: []string{"no-new-privileges:false", "no-new-privileges:true"}}, nil,
			fact.Settings{MayEscalate: fact.No, HostUsers: fact.Yes}},
		{"user_namespace", dockerengine.Info{UserNamespaces: true}, container.HostConfig{}, nil, fact.Settings{HostUsers: fact.No}},
		{"out_of_the_user_namespace", dockerengine.Info{UserNamespaces: true}, container.HostConfig{UsernsMode: "host"}, nil, fact.Settings{HostUsers: fact.Yes}},
		{"rootless", dockerengine.Info{Rootless: true}, container.HostConfig{UsernsMode: "host"}, nil, fact.Settings{HostUsers: fact.No}},
		{"podman_auto", dockerengine.Info{}, container.HostConfig{UsernsMode: "auto"}, nil, fact.Settings{HostUsers: fact.No}},
		{"capabilities_and_groups", dockerengine.Info{}, container.HostConfig{CapAdd: []string{"CAP_NET_ADMIN", "all", "net_admin"}, GroupAdd: []string{"docker", "20", "5", "20"}}, nil,
			fact.Settings{Capabilities: []string{"ALL", "NET_ADMIN"}, Groups: []int64{5, 20}, HostUsers: fact.Yes}},
		{"mounts", dockerengine.Info{}, container.HostConfig{
			Tmpfs: map[string]string{"/run/": "size=1m,ro", "/cache": ""},
			Mounts: []mount.Mount{{Type: mount.TypeVolume, Target: "/data", VolumeOptions: &mount.VolumeOptions{Subpath: "a/b"}},
				{Type: mount.TypeImage, Target: "/models", ImageOptions: &mount.ImageOptions{Subpath: "m"}}},
		}, []container.MountPoint{
			{Type: mount.TypeVolume, Name: "shop", Source: "/var/lib/docker/volumes/shop/_data", Destination: "/data", RW: true},
			{Type: mount.TypeVolume, Name: anonymous, Source: "/var/lib/docker/volumes/x/_data", Destination: "/made/up", RW: true},
			{Type: mount.TypeImage, Source: "models:1", Destination: "/models"},
			{Type: mount.TypeBind, Source: "/srv", Destination: "/a/../etc//app", RW: true},
			{Type: mount.TypeBind, Source: `C:\src`, Destination: `c:\dst`},
		}, fact.Settings{HostUsers: fact.Yes, Mounts: []fact.Mount{
			{Path: "/cache", Kind: "tmpfs"},
			{Path: "/data", Kind: "volume", Source: "shop", SubPath: "a/b"},
			{Path: "/etc/app", Kind: "bind", Source: "/srv"},
			{Path: "/made/up", Kind: "volume"},
			{Path: "/models", Kind: "image", Source: "models:1", SubPath: "m", ReadOnly: true},
			{Path: "/run", Kind: "tmpfs", ReadOnly: true},
			{Path: `c:\dst`, Kind: "bind", Source: `C:\src`, ReadOnly: true},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := settingsOf(container.InspectResponse{HostConfig: &tt.h, Config: &container.Config{}, Mounts: tt.m}, tt.info)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkloads(t *testing.T) {
	t.Parallel()
	compose := map[string]string{labelProject: "shop", labelService: "cart", labelHash: "0a1b"}
	tests := []struct {
		name, service string
		labels        map[string]string
		want          observe.Workload
	}{
		{"none", "", map[string]string{"x": "y"}, observe.Workload{}},
		{"compose", "cart", compose, observe.Workload{Kind: "compose service", Name: "shop/cart", Template: "0a1b"}},
		{"half_of_compose", "", map[string]string{labelProject: "shop"}, observe.Workload{}},
		{"swarm", "web", map[string]string{labelSwarm: "web", "com.docker.swarm.task.name": "web.1.x"}, observe.Workload{Kind: "swarm service", Name: "web", Template: "nginx:1@sha256:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, workloadOf(tt.labels, "nginx:1@sha256:00")); diff != "" {
				t.Errorf("workload (-want +got):\n%s", diff)
			}
			if got := serviceOf(tt.labels); got != tt.service {
				t.Errorf("service %q, want %q", got, tt.service)
			}
		})
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state container.State
		want  fact.Phase
	}{
		{container.State{Status: "running", Running: true}, fact.PhaseRunning},
		{container.State{Status: "paused", Running: true, Paused: true}, fact.PhaseRunning},
		{container.State{Status: "restarting", Running: true}, fact.PhaseWaiting},
		{container.State{Status: "created"}, fact.PhaseWaiting},
		{container.State{Status: "exited"}, fact.PhaseFinished},
		{container.State{Status: "dead"}, fact.PhaseFinished},
		{container.State{Status: "removing"}, fact.PhaseFinished},
		{container.State{Status: "checkpointed", Running: true}, fact.PhaseRunning},
		{container.State{Status: "a new word"}, ""},
	} {
		if got := phaseOf(&tt.state); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.state, got, tt.want)
		}
	}
}
