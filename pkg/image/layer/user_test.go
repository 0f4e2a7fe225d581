package layer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

const passwdFile = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/app:/bin/sh\nwww-data:x:33:33::/:\n" +
	"short\nbroken:x:abc:0::/:\n2000:x:0:0::/:\nlast:x:5000:5000::/:\n"

const groupFile = "root:x:0:\napp:x:1001:\nwheel:x:10:app,root\ndocker:x:999:app\n+0:x:7:\n"

func TestResolveUser(t *testing.T) {
	t.Parallel()
	etc := []member{file("etc/passwd", passwdFile, 0o644), file("etc/group", groupFile, 0o644)}
	huge := strings.Repeat("x", limits.AccountFile+1)
	for _, tt := range []struct {
		name   string
		layers [][]member
		spec   string
		want   fact.User
		cause  fact.Cause // if it cannot be told
		why    string
	}{
		{"unset is root", [][]member{etc}, "", fact.User{Name: "root", Groups: []uint32{10}}, "", ""},
		{"unset without files", nil, "", fact.User{}, "", ""},
		{"name", [][]member{etc}, "app", fact.User{Name: "app", UID: 1000, GID: 1001, Groups: []uint32{10, 999}}, "", ""},
		{"name and group", [][]member{etc}, "app:root", fact.User{Name: "app", UID: 1000, GID: 0, Groups: []uint32{10, 999}}, "", ""},
		{"name and number", [][]member{etc}, "app:5", fact.User{Name: "app", UID: 1000, GID: 5, Groups: []uint32{10, 999}}, "", ""},
		{"number that is listed", [][]member{etc}, "1000", fact.User{Name: "app", UID: 1000, GID: 1001, Groups: []uint32{10, 999}}, "", ""},
		{"number that is not listed", [][]member{etc}, "4242", fact.User{UID: 4242}, "", ""},
		{"numbers without files", nil, "4242:4243", fact.User{UID: 4242, GID: 4243}, "", ""},
		{"zeros", nil, "000", fact.User{}, "", ""},
		{"plus zero", [][]member{etc}, "+0", fact.User{}, fact.Unsupported, "read differently"},
		{"minus one", [][]member{etc}, "-1", fact.User{}, fact.Unsupported, "read differently"},
		{"space", [][]member{etc}, " 0", fact.User{}, fact.Unsupported, "read differently"},
		{"group plus zero is a name here", [][]member{etc}, "app:+0", fact.User{Name: "app", UID: 1000, GID: 7, Groups: []uint32{10, 999}}, "", ""},
		{"overflow to root", [][]member{etc}, "4294967296", fact.User{}, fact.Unsupported, "out of range"},
		{"beyond what runtimes take", [][]member{etc}, "2147483648", fact.User{}, fact.Unsupported, "out of range"},
		{"missing name", [][]member{etc}, "nobody", fact.User{}, fact.Unsupported, "does not have"},
		{"missing group", [][]member{etc}, "app:none", fact.User{}, fact.Unsupported, "does not have"},
		{"name without files", nil, "app", fact.User{}, fact.Unsupported, "does not have"},
		{"empty group", [][]member{etc}, "app:", fact.User{}, fact.Unsupported, "empty part"},
		{"empty name", [][]member{etc}, ":0", fact.User{}, fact.Unsupported, "empty part"},
		{"two colons", [][]member{etc}, "a:b:c", fact.User{}, fact.Unsupported, "more than one colon"},
		{"line with too few fields", [][]member{etc}, "short", fact.User{}, fact.Unsupported, "malformed"},
		{"number that is none", [][]member{etc}, "broken", fact.User{}, fact.Unsupported, "malformed"},
		{"number that is root's name", [][]member{etc}, "2000", fact.User{}, fact.Unsupported, "differently"},
		{"file replaced", [][]member{etc, {file("etc/passwd", "app:x:0:0::/:\n", 0o644)}}, "app", fact.User{Name: "app", Groups: []uint32{10, 999}}, "", ""},
		{"file removed", [][]member{etc, {wh("etc/.wh.passwd")}}, "app", fact.User{}, fact.Unsupported, "does not have"},
		{"file behind a link", [][]member{{link("etc/passwd", "../usr/share/base/passwd"), file("usr/share/base/passwd", passwdFile, 0o644)}}, "www-data", fact.User{Name: "www-data", UID: 33, GID: 33}, "", ""},
		{"file under another name", [][]member{{link("etc/passwd", "/data/users"), file("data/users", passwdFile, 0o644)}}, "app", fact.User{}, fact.Unsupported, "another name"},
		{"directory", [][]member{{dir("etc/passwd", 0o755)}}, "app", fact.User{}, fact.Unsupported, "not a file"},
		{"huge", [][]member{{file("etc/passwd", huge, 0o644)}}, "app", fact.User{}, fact.Limit, "size of /etc/passwd"},
		{"huge, by number", [][]member{{file("etc/passwd", huge, 0o644)}}, "1000", fact.User{}, fact.Limit, "size of /etc/passwd"},
		{"huge, root", [][]member{{file("etc/passwd", huge, 0o644)}}, "0", fact.User{}, "", ""},
		{"huge group", [][]member{{file("etc/passwd", passwdFile, 0o644), file("etc/group", huge, 0o644)}}, "app", fact.User{}, fact.Limit, "size of /etc/group"},
		{"endless line", [][]member{{file("etc/passwd", strings.Repeat("x", 70<<10), 0o644)}}, "app", fact.User{}, fact.Unsupported, "line of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ResolveUser(merged(t, tt.layers...), tt.spec)
			if tt.cause != "" {
				if got.State != fact.Unknown || got.Cause != tt.cause || !strings.Contains(got.Why, tt.why) {
					t.Errorf("got %+v, want cause %s and %q", got, tt.cause, tt.why)
				}
				return
			}
			tt.want.Spec = tt.spec
			if diff := cmp.Diff(fact.Of(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResolveUserWithoutLayers(t *testing.T) {
	t.Parallel()
	for spec, known := range map[string]bool{"": true, "0": true, "1000": true, "1000:5": true, "app": false, "root": false, "1000:app": false, "+0": false} {
		if got := ResolveUser(nil, spec); (got.State == fact.Known) != known {
			t.Errorf("%q: %+v", spec, got)
		}
	}
}
