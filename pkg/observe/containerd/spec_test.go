package containerd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	id := func(n int64) *int64 { return &n }
	const masked = `"linux":{"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]}`
	base := fact.Settings{MayEscalate: fact.Yes, RunAsUser: id(0), RunAsGroup: id(0), HostUsers: fact.Yes}
	with := func(change func(*fact.Settings)) fact.Settings { s := base; change(&s); return s }
	tests := []struct {
		name, spec string
		pod        bool
		want       fact.Settings
	}{
		{"least", `{"process":{"user":{}},"root":{}}`, false, base},
		{"read_only_root", `{"process":{"user":{}},"root":{"readonly":true}}`, false, with(func(s *fact.Settings) { s.ReadOnlyRoot = true })},
		{"user", `{"process":{"user":{"uid":1000,"gid":2000,"additionalGids":[3000,10,3000]},"noNewPrivileges":true},"root":{}}`, false,
			fact.Settings{MayEscalate: fact.No, RunAsUser: id(1000), RunAsGroup: id(2000), Groups: []int64{10, 3000}, HostUsers: fact.Yes}},
		{"added_capabilities", `{"process":{"user":{},"capabilities":{"bounding":["CAP_NET_ADMIN","CAP_CHOWN","CAP_BPF"],"effective":["CAP_SYS_ADMIN"]}},"root":{}}`, false,
			with(func(s *fact.Settings) { s.Capabilities = []string{"BPF", "NET_ADMIN"} })},
		{"capable_but_not_privileged", `{"process":{"user":{},"capabilities":{"bounding":["CAP_SYS_ADMIN"]}},"root":{},` + masked + `}`, false,
			with(func(s *fact.Settings) { s.Capabilities = []string{"SYS_ADMIN"} })},
		{"privileged", `{"process":{"user":{},"capabilities":{"bounding":["CAP_SYS_ADMIN"]}},"root":{},"linux":{}}`, false,
			with(func(s *fact.Settings) { s.Capabilities, s.Privileged = []string{"SYS_ADMIN"}, true })},
		{"user_namespace", `{"process":{"user":{}},"root":{},"linux":{"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}]}}`, false,
			with(func(s *fact.Settings) { s.HostUsers = fact.No })},
		{"no_process", `{"root":{}}`, false, fact.Settings{HostUsers: fact.Yes}},
		{"own_mounts", `{"process":{"user":{}},"root":{},"mounts":[
			{"destination":"/proc","type":"proc"},{"destination":"/dev","type":"tmpfs"},{"destination":"/dev/shm","type":"tmpfs"},{"destination":"/sys/fs/cgroup","type":"cgroup"},
			{"destination":"/etc/hosts","type":"bind","source":"/x"},{"destination":"/etc/resolv.conf","type":"bind","source":"/x"},{"destination":"/dev/termination-log","type":"bind","source":"/x"}]}`, true, base},
		{"mounts", `{"process":{"user":{}},"root":{},"mounts":[
			{"destination":"/run","type":"tmpfs","source":"tmpfs","options":["nosuid"]},
			{"destination":"data/../srv/","type":"bind","source":"/home/x","options":["rbind","ro"]},
			{"destination":"/b","source":"/y","options":["ro","bind","rw"]},
			{"destination":"/named","type":"bind","source":"/var/lib/nerdctl/1935db59/volumes/default/db/_data","options":["rbind","rro"]},
			{"destination":"/img","type":"overlay","source":"overlay","options":["ro"]},
			{"destination":"/odd","source":"z"}]}`, false,
			with(func(s *fact.Settings) {
				s.Mounts = []fact.Mount{{Path: "/b", Kind: "bind", Source: "/y"}, {Path: "/img", Kind: "image", ReadOnly: true}, {Path: "/named", Kind: "volume", Source: "db", ReadOnly: true},
					{Path: "/odd", Kind: "other", Source: "z"}, {Path: "/run", Kind: "tmpfs"}, {Path: "/srv", Kind: "bind", Source: "/home/x", ReadOnly: true}}
			})},
		{"volumes_of_a_pod", `{"process":{"user":{}},"root":{},"mounts":[
			{"destination":"/a","type":"bind","source":"/var/lib/kubelet/pods/0b6c/volumes/kubernetes.io~empty-dir/scratch","options":["rbind","rw"]},
			{"destination":"/b","type":"bind","source":"/data/kubelet/pods/0b6c/volumes/kubernetes.io~configmap/conf","options":["ro"]},
			{"destination":"/c","type":"bind","source":"/var/lib/kubelet/pods/0b6c/volumes/kubernetes.io~csi/pvc-1/mount"},
			{"destination":"/d","type":"bind","source":"/var/lib/kubelet/pods/0b6c/volume-subpaths/scratch/app/0"},
			{"destination":"/e","type":"bind","source":"/var/lib/kubelet/pods/0b6c/volumes/kubernetes.io~projected/kube-api-access-x7k2p","options":["ro"]},
			{"destination":"/f","type":"bind","source":"/srv/pods"}]}`, true,
			with(func(s *fact.Settings) {
				s.Mounts = []fact.Mount{{Path: "/a", Kind: "emptyDir", Source: "scratch"}, {Path: "/b", Kind: "configMap", Source: "conf", ReadOnly: true}, {Path: "/c", Kind: "volume", Source: "pvc-1"},
					{Path: "/d", Kind: "volume", Source: "scratch", SubPath: "0"}, {Path: "/e", Kind: "projected", Source: "kube-api-access", ReadOnly: true}, {Path: "/f", Kind: "hostPath", Source: "/srv/pods"}}
			})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := parseSpec([]byte(tt.spec))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.settings(tt.pod)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
