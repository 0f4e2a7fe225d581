package containerdclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/api/types/task"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// soon is a time in which a test's server does not answer; long is one that no
// test waits for.
const (
	soon = 30 * time.Millisecond
	long = time.Hour
)

func TestNobodyToTalkTo(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	left := listen(t, filepath.Join(dir, "left"))
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	tests := []struct {
		name, address string
		cause         fact.Cause
		err           string
	}{
		{"no_such_socket", filepath.Join(dir, "none"), fact.NotFound, "there is no such socket"},
		{"no_such_folder", "unix://" + filepath.Join(dir, "none", "none"), fact.NotFound, "there is no such socket"},
		{"a_file", file, fact.Unsupported, "it is no socket"},
		{"a_folder", dir, fact.Unsupported, "it is no socket"},
		{"nobody_listens", filepath.Join(dir, "left"), fact.Network, "nobody listens"},
		{"too_long", "/" + strings.Repeat("x", 200), fact.Network, "invalid argument"},
		{"empty", "unix://", fact.Unsupported, "there is no path"},
		{"nothing", "", fact.Unsupported, "there is no path"},
		{"nul", "/run/\x00", fact.Unsupported, "NUL"},
		{"elsewhere", "tcp://127.0.0.1:1", fact.Unsupported, `"tcp" is no socket of this machine`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := containerdclient.Open(t.Context(), containerdclient.Options{Address: tt.address})
			wantError(t, err, tt.cause, tt.err)
		})
	}
}

// What listens there is told apart: a CRI without containerd, a web server, a
// server that says nothing, one that says no.
func TestNoContainerd(t *testing.T) {
	t.Parallel()
	web := listen(t, filepath.Join(shortDir(t), "web"))
	srv := &http.Server{}
	go func() { _ = srv.Serve(web) }()
	t.Cleanup(func() { _ = srv.Close() })
	mute := listen(t, filepath.Join(shortDir(t), "mute"))
	crio := &containerdtest.Server{OnlyCRI: true, CRI: &containerdtest.CRI{Name: "cri-o"}}
	closed := &containerdtest.Server{Before: func(context.Context, string, int) error {
		return status.Error(codes.PermissionDenied, "not\nfor you\x1b[31m")
	}}
	hung := &containerdtest.Server{Before: func(ctx context.Context, _ string, _ int) error { <-ctx.Done(); return ctx.Err() }}
	tests := []struct {
		name, address string
		call          time.Duration
		cause         fact.Cause
		err           string
	}{
		{"a_cri", crio.Start(t), long, fact.Unsupported, "it is no containerd"},
		{"a_web_server", web.Addr().String(), long, fact.Unsupported, "does not speak gRPC"},
		{"a_mute_server", mute.Addr().String(), soon, fact.Network, "no answer within"},
		{"a_hung_containerd", hung.Start(t), soon, fact.Network, "no answer within"},
		{"a_closed_containerd", closed.Start(t), long, fact.Forbidden, `not\nfor you\x1b[31m`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := containerdclient.Open(t.Context(), containerdclient.Options{Address: tt.address, Call: tt.call})
			wantError(t, err, tt.cause, tt.err)
			if !strings.Contains(err.Error(), tt.address) {
				t.Errorf("%v does not name the socket %s", err, tt.address)
			}
		})
	}
}

// calls are all that a client can ask.
var calls = map[string]func(context.Context, *containerdclient.Client) error{
	"Namespaces/List":       func(ctx context.Context, c *containerdclient.Client) error { _, err := c.Namespaces(ctx); return err },
	"Introspection/Plugins": func(ctx context.Context, c *containerdclient.Client) error { _, err := c.Platform(ctx); return err },
	"Containers/ListStream": func(ctx context.Context, c *containerdclient.Client) error {
		return c.Containers(ctx, "ns", func(*containerdclient.Container) error { return nil })
	},
	"Containers/Get": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Container(ctx, "ns", "a")
		return err
	},
	"Tasks/List": func(ctx context.Context, c *containerdclient.Client) error { _, err := c.Tasks(ctx, "ns"); return err },
	"Tasks/Get": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Task(ctx, "ns", "a")
		return err
	},
	"Images/List": func(ctx context.Context, c *containerdclient.Client) error { _, err := c.Images(ctx, "ns"); return err },
	"Images/Get": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Image(ctx, "ns", "a")
		return err
	},
	"Snapshots/Stat": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Snapshot(ctx, "ns", "overlayfs", "a")
		return err
	},
	"Snapshots/Mounts": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Mounts(ctx, "ns", "overlayfs", "a")
		return err
	},
	"Content/Info": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Content("ns").Has(ctx, some)
		return err
	},
	"Content/Read": func(ctx context.Context, c *containerdclient.Client) error {
		_, err := c.Content("ns").Manifest(ctx, ref.Ref{Digest: some})
		return err
	},
}

var some = ref.DigestOf([]byte("some"), "")

func TestFaultsOfEveryCall(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	tests := []struct {
		name  string
		fault func(context.Context) error
		wait  time.Duration
		cause fact.Cause
		err   string
	}{
		{"hangs", hang, soon, fact.Network, "no answer within 30ms"},
		{"forbids", func(context.Context) error { return status.Error(codes.PermissionDenied, "no") }, long, fact.Forbidden, `"no"`},
		{"breaks", func(context.Context) error { return status.Error(codes.Unknown, "panic") }, long, fact.ServerError, `"panic"`},
		{"has_none", func(context.Context) error { return status.Error(codes.NotFound, "x") }, long, fact.NotFound, ""},
		{"lacks_it", func(context.Context) error { return status.Error(codes.Unimplemented, "unknown method") }, long, fact.Unsupported, "does not offer it"},
		{"is_too_large", func(context.Context) error {
			return status.Error(codes.ResourceExhausted, "trying to send message larger than max (20 vs. 16)")
		}, long, fact.Limit, "exceeds the limit of 16777216"},
		{"wants_a_name", func(context.Context) error { return status.Error(codes.Unauthenticated, "who") }, long, fact.Unauthenticated, ""},
		{"is_busy", func(context.Context) error { return status.Error(codes.ResourceExhausted, "quota") }, long, fact.RateLimited, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &containerdtest.Server{Before: func(ctx context.Context, method string, _ int) error {
				if strings.HasSuffix(method, "/Version") {
					return nil
				}
				return tt.fault(ctx)
			}}
			path := s.Start(t)
			for name, call := range calls {
				wait := long
				if tt.wait == soon && !strings.HasSuffix(name, "Read") {
					wait = soon
				}
				// Each bound is on its own: a hung stream is not ended by the other.
				c := open(t, containerdclient.Options{Address: path})
				c.SetTimes(wait, tt.wait)
				err := call(t.Context(), c)
				if name == "Content/Info" && tt.cause == fact.NotFound {
					if err != nil {
						t.Errorf("%s: %v, want no error: it says no", name, err)
					}
					continue
				}
				wantError(t, err, tt.cause, tt.err)
			}
		})
	}
}

// The caller's end is told apart from a server that does not answer.
func TestCallersEnd(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Before: func(ctx context.Context, method string, _ int) error {
		if strings.HasSuffix(method, "/Version") {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	c := open(t, containerdclient.Options{Address: s.Start(t), Call: long, Idle: long})
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		if err := call(ctx, c); image.CauseOf(err) != fact.Deadline {
			t.Errorf("%s: %v, want the cause %q", name, err, fact.Deadline)
		}
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if err := call(ctx, c); image.CauseOf(err) != fact.Cancelled {
			t.Errorf("%s: %v, want the cause %q", name, err, fact.Cancelled)
		}
	}
}

// A list of which the server dies half way is an error; what came before it came.
func TestDiesMidList(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"ns": {Many: 100, Make: func(int) *containersapi.Container {
		return &containersapi.Container{ID: "x"}
	}}}}
	died := make(chan struct{})
	s.Before = func(ctx context.Context, method string, n int) error {
		if n == 11 {
			<-died
			s.Kill()
			<-ctx.Done()
		}
		return nil
	}
	c := open(t, containerdclient.Options{Address: s.Start(t), Call: long, Idle: long})
	n := 0
	err := c.Containers(t.Context(), "ns", func(*containerdclient.Container) error {
		if n++; n == 10 {
			close(died)
		}
		return nil
	})
	wantError(t, err, fact.Network, "")
	if n != 10 {
		t.Errorf("%d containers before the end, want 10", n)
	}
}

func TestYieldEndsAList(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"ns": {Containers: []*containersapi.Container{{ID: "a"}, {ID: "b"}}}}}
	enough := errors.New("enough")
	n := 0
	err := open(t, containerdclient.Options{Address: s.Start(t)}).Containers(t.Context(), "ns", func(*containerdclient.Container) error { n++; return enough })
	if err != enough || n != 1 {
		t.Errorf("%d parts and %v, want 1 and the error of yield", n, err)
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"ns": {Containers: []*containersapi.Container{{ID: "b"}, {ID: "f"}}, Tasks: map[string]task.Status{
		"a": task.Status_CREATED, "b": task.Status_RUNNING, "c": task.Status_STOPPED, "d": task.Status_PAUSED, "e": task.Status_PAUSING, "f": task.Status_UNKNOWN}}}}
	c := open(t, containerdclient.Options{Address: s.Start(t)})
	got, err := c.Tasks(t.Context(), "ns")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fact.Phase{"a": fact.PhaseWaiting, "b": fact.PhaseRunning, "c": fact.PhaseFinished, "d": fact.PhaseRunning, "e": fact.PhaseRunning}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p, err := c.Task(t.Context(), "ns", "b"); err != nil || p != fact.PhaseRunning {
		t.Errorf("one task: %q, %v", p, err)
	}
	_, err = c.Task(t.Context(), "ns", "f")
	wantError(t, err, fact.ServerError, "ttrpc")
}

// The machine is containerd's, not ours.
func TestPlatform(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Platform: &types.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}
	got, err := open(t, containerdclient.Options{Address: s.Start(t)}).Platform(t.Context())
	if want := (ref.Platform{OS: "linux", Architecture: "arm64"}); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, name := range []string{a, b} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := containerdclient.Discover([]string{b, filepath.Join(dir, "none"), a})
	if diff := cmp.Diff([]string{b, a}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = containerdclient.Discover([]string{filepath.Join(dir, "none")})
	wantError(t, err, fact.NotFound, "none")
}

func TestManifestLimit(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"ns": {Blobs: map[ref.Digest][]byte{some: make([]byte, limits.Manifest+1)}}}}
	_, err := open(t, containerdclient.Options{Address: s.Start(t)}).Content("ns").Manifest(t.Context(), ref.Ref{Digest: some})
	wantError(t, err, fact.Limit, "4194304")
}

// Nothing that the client offers is a method that changes anything.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := &containerdtest.Server{}
	c := open(t, containerdclient.Options{Address: s.Start(t)})
	for _, call := range calls {
		_ = call(t.Context(), c) // there is nothing there; what was asked counts
	}
	reads := []string{"Get", "List", "ListStream", "Stat", "Mounts", "Info", "Read", "Version", "Plugins"}
	for _, m := range s.Methods() {
		name := m[strings.LastIndexByte(m, '/')+1:]
		if !strings.Contains(" "+strings.Join(reads, " ")+" ", " "+name+" ") {
			t.Errorf("the client called %s", m)
		}
	}
	if got, want := len(s.Methods()), len(calls)+1; got != want {
		t.Errorf("%d methods were called, want %d", got, want)
	}
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctd") // a socket's path may not be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func listen(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func open(t *testing.T, o containerdclient.Options) *containerdclient.Client {
	t.Helper()
	c, err := containerdclient.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func wantError(t *testing.T, err error, cause fact.Cause, text string) {
	t.Helper()
	if err == nil || image.CauseOf(err) != cause || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v with the cause %q, want %q with %q", err, image.CauseOf(err), cause, text)
	}
}
