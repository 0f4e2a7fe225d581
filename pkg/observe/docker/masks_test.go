package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

func TestMasks(t *testing.T) {
	t.Parallel()
	plain := container.InspectResponse{HostConfig: &container.HostConfig{Tmpfs: map[string]string{"/scratch/": ""}},
		Mounts: []container.MountPoint{{Type: "bind", Destination: "/var/run/docker.sock"}, {Type: "volume", Destination: "/data"}}}
	strong := plain
	strong.HostConfig = &container.HostConfig{CapAdd: []string{"CAP_SYS_ADMIN"}}
	file := func(mode uint32, size int64) observe.Entry {
		return observe.Entry{Type: "file", Mode: mode, Size: size}
	}
	dir := observe.Entry{Type: "dir", Mode: 0o755}
	tests := []struct {
		name string
		in   container.InspectResponse
		w    observe.Written
		told bool
	}{
		{"in_a_volume", plain, observe.Written{Path: "/data/x", Entry: file(0o755, 5)}, false},
		{"a_volume", plain, observe.Written{Path: "/data", Entry: dir}, false},
		{"beside_a_volume", plain, observe.Written{Path: "/database", Entry: file(0o644, 5)}, true},
		{"in_a_tmpfs", plain, observe.Written{Path: "/scratch/x", Entry: file(0o644, 5)}, false},
		{"removed_below_a_volume", plain, observe.Written{Path: "/data/x", Removed: true}, false},
		{"in_a_volume_that_can_be_taken_away", strong, observe.Written{Path: "/data/x", Entry: file(0o755, 5)}, true},
		{"a_volume_that_can_be_taken_away", strong, observe.Written{Path: "/data", Entry: dir}, false},
		{"removed_below_one_that_can", strong, observe.Written{Path: "/data/x", Removed: true}, true},
		{"target_behind_a_link", plain, observe.Written{Path: "/run/docker.sock", Entry: file(0o755, 0)}, false},
		{"target_behind_a_link_with_content", plain, observe.Written{Path: "/run/docker.sock", Entry: file(0o755, 1)}, true},
		{"a_file_of_that_name_that_was_emptied", plain, observe.Written{Path: "/etc/docker.sock", Entry: file(0o644, 0)}, true},
		{"a_file_of_that_name_and_another_owner", plain, observe.Written{Path: "/etc/docker.sock", Entry: observe.Entry{Type: "file", Mode: 0o755, UID: 1}}, true},
		{"a_file_of_that_name_that_only_changed_its_owner", plain, observe.Written{Path: "/etc/docker.sock", Entry: observe.Entry{Type: "file", Mode: 0o755, MetadataOnly: true}}, true},
		{"a_directory_of_that_name", plain, observe.Written{Path: "/etc/docker.sock", Entry: dir}, true},
		{"hosts", plain, observe.Written{Path: "/etc/hosts", Entry: file(0o755, 0)}, false},
		{"hosts_with_content", plain, observe.Written{Path: "/etc/hosts", Entry: file(0o755, 9)}, true},
		{"mark_of_docker", plain, observe.Written{Path: "/.dockerenv", Entry: file(0o755, 0)}, false},
		{"program_in_place_of_the_mark", plain, observe.Written{Path: "/.dockerenv", Entry: file(0o755, 900)}, true},
		{"device_directory", plain, observe.Written{Path: "/dev/shm", Entry: dir}, false},
		{"program_below_dev", plain, observe.Written{Path: "/dev/x", Entry: file(0o755, 900)}, true},
		{"secrets", plain, observe.Written{Path: "/run/secrets/token", Entry: file(0o644, 0)}, false},
		{"secret_with_content", plain, observe.Written{Path: "/run/secrets/token", Entry: file(0o644, 3)}, true},
		{"table_of_mounts", plain, observe.Written{Path: "/etc/mtab", Entry: observe.Entry{Type: "symlink", Link: "/proc/mounts"}}, false},
		{"another_link", plain, observe.Written{Path: "/etc/mtab", Entry: observe.Entry{Type: "symlink", Link: "/tmp/x"}}, true},
		{"root_of_podman", plain, observe.Written{Path: "/", Entry: observe.Entry{Type: "dir", Mode: 0o555}}, false},
		{"root_for_all", plain, observe.Written{Path: "/", Entry: observe.Entry{Type: "dir", Mode: 0o777}}, true},
		{"root_replaced", plain, observe.Written{Path: "/", Opaque: true, Entry: observe.Entry{Type: "dir", Mode: 0o555}}, true},
		{"not_readable", plain, observe.Written{Path: "/etc/hosts", Err: errUnreadable}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := masksOf(tt.in)
			if told := !m.hides(tt.w.Path) && !m.leftBehind(tt.w); told != tt.told {
				t.Errorf("told: %v, want %v", told, tt.told)
			}
		})
	}
}

var errUnreadable = unreadable(fact.Forbidden, "", "no")
