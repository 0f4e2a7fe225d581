package trustroot_test

import (
	"bytes"
	"crypto"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/intact-dev/intact/pkg/verify/trustroot"
)

type (
	targetsOf  = *metadata.Metadata[metadata.TargetsType]
	snapshotOf = *metadata.Metadata[metadata.SnapshotType]
)

// A box is a folder that holds all to which a process writes by itself: its
// working folder, its folder for temporary files, and the cache.
type box struct{ dir, cache string }

func newBox(t *testing.T) box {
	t.Helper()
	b := box{dir: t.TempDir()}
	b.cache = filepath.Join(b.dir, "deep", "down", "cache")
	for _, d := range []string{b.cache, filepath.Join(b.dir, "deep", "work"), filepath.Join(b.dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(b.dir, "deep", "work"))
	t.Setenv("TMPDIR", filepath.Join(b.dir, "tmp"))
	return b
}

// files returns the content of all files but the copy.
func (b box) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(b.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == filepath.Join(b.cache, "trust-root.json") {
			return err
		}
		content, err := os.ReadFile(name)
		all[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hostileNames are paths out of wherever they are joined to, in all spellings.
func (b box) hostileNames() []string {
	return []string{
		"../outside", "../../outside", filepath.Join(b.dir, "absolute"), "..", ".", "", "/", "../timestamp", "../down/cache/trust-root",
		`..\outside`, `C:\outside`, "%2e%2e%2foutside", "trusted_root.json/../../outside", "a\x00b",
	}
}

// adv-TUF-4: whatever a repository calls its targets and roles, the one target is
// all that is asked for, and one file all that is written.
func TestNamesThatArePathsLeadNowhere(t *testing.T) {
	b := newBox(t)
	// Good metadata that vouches for another root lies wherever a name leads.
	role := delegated(t, rootJSON(t, "other"))
	for _, name := range b.hostileNames() {
		if at, err := filepath.Abs(name + ".json"); err == nil && strings.HasPrefix(at, b.dir) {
			_ = os.WriteFile(at, role, 0o600) // not every name can be one of a file
		}
	}
	before := b.files(t)
	if len(before) < 5 {
		t.Fatalf("only %d names lead to files", len(before))
	}
	beside := func(targets targetsOf, _ snapshotOf) {
		for _, name := range b.hostileNames() {
			targets.Signed.Targets[name] = fileInfo(t, name, rootJSON(t, "other"))
		}
	}
	delegate := func(targets targetsOf, snapshot snapshotOf) { b.delegate(t, targets, snapshot) }
	without := func(change func(targetsOf, snapshotOf)) func(targetsOf, snapshotOf) {
		return func(targets targetsOf, snapshot snapshotOf) {
			change(targets, snapshot)
			delete(targets.Signed.Targets, "trusted_root.json")
		}
	}
	for _, c := range []struct {
		name   string
		change func(targetsOf, snapshotOf)
		url    string
		source string
	}{
		{"targets beside the one", beside, "", trustroot.FromTUF},
		{"targets instead of the one", without(beside), "", trustroot.FromEmbedded},
		{"roles beside the one", delegate, "", trustroot.FromTUF},
		{"roles instead of the one", without(delegate), "", trustroot.FromEmbedded},
		{"URL with dots", nil, "/../../../outside", trustroot.FromTUF},
		{"URL with escaped dots", nil, "/%2e%2e/..%2foutside/", trustroot.FromTUF},
		{"URL with a file", nil, "/" + b.dir + "/absolute", trustroot.FromTUF},
	} {
		r, opts := newRepository(t)
		r.change = c.change
		r.publish(1, now.Add(24*time.Hour), rootJSON(t, "one"))
		other := rootJSON(t, "other") // for which a role would vouch
		r.files[targetFile(other)] = other
		asked := r.anywhere(role)
		opts.CacheDir, opts.URL = b.cache, opts.URL+c.url
		for range 2 { // without a copy and with one
			got, info := fetch(t, opts)
			if info.Source != c.source || info.Source == trustroot.FromTUF && !bytes.Equal(got, rootJSON(t, "one")) {
				t.Errorf("%s: %+v", c.name, info)
			}
			if info.Source == trustroot.FromEmbedded && !strings.Contains(info.Why, `no target "trusted_root.json"`) {
				t.Errorf("%s: why = %s", c.name, info.Why)
			}
		}
		opts.Offline = true
		if _, info := fetch(t, opts); c.source == trustroot.FromTUF && info.Source != trustroot.FromCache {
			t.Errorf("%s, from the copy: %+v", c.name, info)
		}
		for _, name := range asked() {
			if !regexp.MustCompile(`^(2\.root|timestamp|1\.snapshot|1\.targets|[0-9a-f]{64}\.trusted_root)\.json$`).MatchString(name) {
				t.Errorf("%s: %q was asked for", c.name, name)
			}
		}
		if d := cmp.Diff(before, b.files(t)); d != "" {
			t.Errorf("%s: files (-before +after):\n%s", c.name, d)
		}
		_ = os.Remove(filepath.Join(b.cache, "trust-root.json"))
	}
}

// anywhere serves what there is under any folder, and role under every other
// name. It returns a list of what was asked for.
func (r *repository) anywhere(role []byte) (asked func() []string) {
	var mu sync.Mutex
	var names []string
	r.answer = func(w http.ResponseWriter, q *http.Request) bool {
		name := path.Base(q.URL.Path)
		mu.Lock()
		names = append(names, name)
		mu.Unlock()
		for have, b := range r.files {
			if path.Base(have) == name {
				_, _ = w.Write(b)
				return true
			}
		}
		if strings.HasSuffix(name, "root.json") {
			return false
		}
		_, _ = w.Write(role)
		return true
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return names
	}
}

// delegate has roles with hostile names vouch for the one target.
func (b box) delegate(t *testing.T, targets targetsOf, snapshot snapshotOf) {
	t.Helper()
	key, err := metadata.KeyFromPublicKey(repositoryKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	id, err := key.ID()
	if err != nil {
		t.Fatal(err)
	}
	d := &metadata.Delegations{Keys: map[string]*metadata.Key{id: key}}
	for _, name := range b.hostileNames() {
		d.Roles = append(d.Roles, metadata.DelegatedRole{Name: name, KeyIDs: []string{id}, Threshold: 1, Paths: []string{"*"}})
		snapshot.Signed.Meta[name+".json"] = metadata.MetaFile(1)
	}
	targets.Signed.Delegations = d
}

// delegated is the metadata of a role that vouches for a root.
func delegated(t *testing.T, body []byte) []byte {
	t.Helper()
	role := metadata.Targets(now.Add(24 * time.Hour))
	role.Signed.Targets["trusted_root.json"] = fileInfo(t, "trusted_root.json", body)
	signer, err := signature.LoadSigner(repositoryKey, crypto.Hash(0))
	if err == nil {
		_, err = role.Sign(signer)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := role.ToBytes(false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fileInfo(t *testing.T, name string, body []byte) *metadata.TargetFiles {
	t.Helper()
	info, err := metadata.TargetFile().FromBytes(name, body, "sha256")
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// A scanned project may hold files of these names, and they are no metadata.
func TestNothingIsReadFromTheWorkingFolder(t *testing.T) {
	b := newBox(t)
	for _, name := range []string{"root", "timestamp", "snapshot", "targets"} {
		for _, text := range []string{"", "{", `{"signed":{"_type":"timestamp"},"signatures":[]}`} {
			_, opts := newRepository(t)
			if err := os.WriteFile(name+".json", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			opts.CacheDir = b.cache
			if _, info := fetch(t, opts); info.Source != trustroot.FromTUF {
				t.Errorf("%s.json with %q: %+v", name, text, info)
			}
			opts.Offline = true
			if _, info := fetch(t, opts); info.Source != trustroot.FromCache {
				t.Errorf("%s.json with %q, from the copy: %+v", name, text, info)
			}
			if err := errors.Join(os.Remove(name+".json"), os.Remove(filepath.Join(b.cache, "trust-root.json"))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The library takes metadata apart before it looks at signatures, and faults on a
// target that is null.
func TestMetadataThatTheLibraryFaultsOnIsAnError(t *testing.T) {
	t.Parallel()
	r, opts := newRepository(t)
	fetch(t, opts)
	was := r.files["1.targets.json"]
	bad := bytes.Replace(was, []byte(`"targets":{`), []byte(`"targets":{"a":null,`), 1)
	if bytes.Equal(was, bad) {
		t.Fatal("nothing was changed")
	}
	r.files["1.targets.json"] = bad
	if b, info := fetch(t, opts); info.Source != trustroot.FromCache || !bytes.Equal(b, rootJSON(t, "one")) || !strings.Contains(info.Why, "cannot be read") {
		t.Errorf("got %+v", info)
	}
}
