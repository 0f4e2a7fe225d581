package trustroot_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/intact-dev/intact/pkg/verify/trustroot"
)

var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

var repositoryKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

// A repository is a TUF repository in memory, served over HTTP.
type repository struct {
	t      testing.TB
	key    ed25519.PrivateKey
	files  map[string][]byte
	answer func(w http.ResponseWriter, r *http.Request) bool // true: answered
	anchor []byte
	// change changes the targets before they are signed.
	change func(targetsOf, snapshotOf)
}

func newRepository(t *testing.T) (*repository, trustroot.Options) {
	t.Helper()
	r := &repository{t: t, key: repositoryKey}
	r.publish(1, now.Add(24*time.Hour), rootJSON(t, "one"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.answer != nil && r.answer(w, q) {
			return
		}
		b, ok := r.files[strings.TrimPrefix(q.URL.Path, "/")]
		if !ok {
			http.NotFound(w, q)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(server.Close)
	return r, trustroot.Options{
		CacheDir: t.TempDir(), HTTPClient: server.Client(), Now: now, URL: server.URL, Anchor: r.anchor,
	}
}

// rootJSON is the built-in root with a mark, so that one is told from another.
func rootJSON(t testing.TB, mark string) []byte {
	t.Helper()
	b, _ := trustroot.Embedded()
	return append(b, strings.Repeat(" ", len(mark))+"\n"...)
}

// publish signs a version of all roles that is valid until expires.
func (r *repository) publish(version int64, expires time.Time, target []byte) {
	r.t.Helper()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	signer, err := signature.LoadSigner(r.key, crypto.Hash(0))
	must(err)
	key, err := metadata.KeyFromPublicKey(r.key.Public())
	must(err)
	root := metadata.Root(now.AddDate(1, 0, 0))
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		must(root.Signed.AddKey(key, role))
	}
	targets, snapshot, timestamp := metadata.Targets(expires), metadata.Snapshot(expires), metadata.Timestamp(expires)
	info, err := metadata.TargetFile().FromBytes("trusted_root.json", target, "sha256")
	must(err)
	targets.Signed.Targets["trusted_root.json"] = info
	targets.Signed.Version, snapshot.Signed.Version, timestamp.Signed.Version = version, version, version
	snapshot.Signed.Meta["targets.json"].Version = version
	timestamp.Signed.Meta["snapshot.json"].Version = version
	if r.change != nil {
		r.change(targets, snapshot)
	}
	_, err = root.Sign(signer)
	must(err)
	_, err = targets.Sign(signer)
	must(err)
	_, err = snapshot.Sign(signer)
	must(err)
	_, err = timestamp.Sign(signer)
	must(err)
	if r.anchor == nil {
		r.anchor, err = root.ToBytes(false)
		must(err)
	}
	r.files = map[string][]byte{}
	put := func(name string, b []byte, err error) {
		must(err)
		r.files[name] = b
	}
	b, err := targets.ToBytes(false)
	put(fmt.Sprintf("%d.targets.json", version), b, err)
	b, err = snapshot.ToBytes(false)
	put(fmt.Sprintf("%d.snapshot.json", version), b, err)
	b, err = timestamp.ToBytes(false)
	put("timestamp.json", b, err)
	put(targetFile(target), target, nil)
}

func targetFile(body []byte) string {
	sum := sha256.Sum256(body)
	return "targets/" + hex.EncodeToString(sum[:]) + ".trusted_root.json"
}

func fetch(t *testing.T, opts trustroot.Options) ([]byte, trustroot.Info) {
	t.Helper()
	b, info, err := trustroot.Fetch(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return b, info
}

func TestFetchFromTUFThenFromTheCopy(t *testing.T) {
	t.Parallel()
	r, opts := newRepository(t)
	b, info := fetch(t, opts)
	if !bytes.Equal(b, rootJSON(t, "one")) || info.Source != trustroot.FromTUF || !info.At.Equal(now) || info.Why != "" || !info.Expires.Equal(now.Add(24*time.Hour)) {
		t.Fatalf("got %+v", info)
	}
	for name, later := range map[string]func(*trustroot.Options){
		"offline": func(o *trustroot.Options) { o.Offline, o.HTTPClient = true, nil },
		"server error": func(*trustroot.Options) {
			r.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				http.Error(w, "down", http.StatusInternalServerError)
				return true
			}
		},
		"captive portal": func(*trustroot.Options) {
			r.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				_, _ = w.Write([]byte("<html>log in</html>"))
				return true
			}
		},
	} {
		o := opts
		o.Now = now.Add(time.Hour)
		later(&o)
		b, info := fetch(t, o)
		if !bytes.Equal(b, rootJSON(t, "one")) || info.Source != trustroot.FromCache || !info.At.Equal(now) || info.Why == "" || !info.Expires.Equal(now.Add(24*time.Hour)) {
			t.Errorf("%s: got %+v", name, info)
		}
	}
}

func TestExpiredIsAnErrorAndNeverTheBuiltInRoot(t *testing.T) {
	t.Parallel()
	r, opts := newRepository(t)
	fetch(t, opts)
	opts.Now = now.AddDate(0, 0, 2) // of what is served and of the copy
	if _, info, err := trustroot.Fetch(t.Context(), opts); !errors.Is(err, trustroot.ErrExpired) {
		t.Errorf("online: got %+v, %v", info, err)
	}
	opts.Offline = true
	if _, info, err := trustroot.Fetch(t.Context(), opts); !errors.Is(err, trustroot.ErrExpired) {
		t.Errorf("offline: got %+v, %v", info, err)
	}
	// Expired metadata is served, the copy is still good.
	opts.Offline, opts.Now = false, now
	r.publish(2, now.Add(-time.Hour), rootJSON(t, "two"))
	if b, info := fetch(t, opts); info.Source != trustroot.FromCache || !bytes.Equal(b, rootJSON(t, "one")) {
		t.Errorf("held back: got %+v", info)
	}
}

func TestRollbackAndMixAreRefused(t *testing.T) {
	t.Parallel()
	r, opts := newRepository(t)
	r.publish(5, now.Add(24*time.Hour), rootJSON(t, "five5"))
	fetch(t, opts)
	r.publish(4, now.Add(24*time.Hour), rootJSON(t, "four"))
	b, info := fetch(t, opts)
	if !bytes.Equal(b, rootJSON(t, "five5")) || info.Source != trustroot.FromCache || !strings.Contains(info.Why, "went back") {
		t.Errorf("rollback: got %+v", info)
	}
	r.publish(6, now.Add(24*time.Hour), rootJSON(t, "sixsix"))
	for name := range r.files {
		if strings.HasPrefix(name, "targets/") {
			r.files[name] = rootJSON(t, "sevens")[1:]
		}
	}
	if b, info := fetch(t, opts); !bytes.Equal(b, rootJSON(t, "five5")) || info.Source != trustroot.FromCache {
		t.Errorf("target changed: got %+v", info)
	}
}

func TestTamperedCopyIsNotUsed(t *testing.T) {
	t.Parallel()
	_, opts := newRepository(t)
	fetch(t, opts)
	path := filepath.Join(opts.CacheDir, "trust-root.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts.Offline = true
	for name, bad := range map[string][]byte{
		"cut short": good[:len(good)/2],
		"empty":     nil,
		"other URL": bytes.ReplaceAll(good, []byte("127.0.0.1"), []byte("127.0.0.2")),
		// One base64 digit of a signed file.
		"changed": bytes.Replace(good, []byte(`"/timestamp.json":"e`), []byte(`"/timestamp.json":"f`), 1),
	} {
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, info := fetch(t, opts)
		if info.Source != trustroot.FromEmbedded || info.Why == "" || info.At.IsZero() {
			t.Errorf("%s: got %+v", name, info)
		}
	}
	if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, info := fetch(t, opts); info.Source != trustroot.FromEmbedded || !strings.Contains(info.Why, "no regular file") {
		t.Errorf("a pipe: got %+v", info)
	}
}

func TestWithoutNetworkAndCopyTheBuiltInRootSaysItsAge(t *testing.T) {
	t.Parallel()
	_, opts := newRepository(t)
	opts.CacheDir, opts.Offline = "", true
	b, info := fetch(t, opts)
	want, embedded := trustroot.Embedded()
	if !bytes.Equal(b, want) || info.Source != trustroot.FromEmbedded || !info.At.Equal(embedded.At) || info.Why == "" || !info.Expires.Equal(embedded.Expires) || !info.Expires.After(info.At) {
		t.Errorf("got %+v", info)
	}
}

func TestWrongAnchorAndOversizeAreNotBelieved(t *testing.T) {
	t.Parallel()
	r, opts := newRepository(t)
	other := &repository{t: t, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))}
	other.publish(1, now.Add(time.Hour), nil)
	wrong := opts
	wrong.Anchor = other.anchor
	if _, info := fetch(t, wrong); info.Source != trustroot.FromEmbedded {
		t.Errorf("wrong anchor: got %+v", info)
	}
	r.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write(make([]byte, 1<<20))
		return true
	}
	if _, info := fetch(t, opts); info.Source != trustroot.FromEmbedded || !strings.Contains(info.Why, "more than") {
		t.Errorf("oversize: got %+v", info)
	}
}

func TestCancelledIsAnError(t *testing.T) {
	t.Parallel()
	_, opts := newRepository(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, info, err := trustroot.Fetch(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestEndOfARoot(t *testing.T) {
	t.Parallel()
	b, _ := trustroot.Embedded()
	end, err := trustroot.Ended(b)
	if err != nil || end.Before(now) {
		t.Errorf("the built-in one ends %s, %v", end, err)
	}
	// Whatever the authorities in a file say of themselves, a file can end them.
	old := bytes.ReplaceAll(b, []byte(`"start": "2022-04-13T20:06:15.000Z"`), []byte(`"start": "2022-04-13T20:06:15.000Z", "end": "2024-01-01T00:00:00.000Z"`))
	if end, err := trustroot.Ended(old); err != nil || !end.Equal(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("an old one ended %s, %v", end, err)
	}
	if _, err := trustroot.Ended([]byte("{")); err == nil {
		t.Error("no root has an end")
	}
}
