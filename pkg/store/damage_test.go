package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
)

// unlocked lets statements through that no program of ours would make.
func unlocked(t *testing.T, s *store.Store, statements ...string) {
	t.Helper()
	db := s.Database()
	drop := []string{
		"DROP TRIGGER IF EXISTS leaves_no_update", "DROP TRIGGER IF EXISTS leaves_no_delete",
		"DROP TRIGGER IF EXISTS hashes_no_update", "DROP TRIGGER IF EXISTS hashes_no_delete",
	}
	if db.Pool != nil {
		drop = []string{"ALTER TABLE leaves DISABLE TRIGGER ALL", "ALTER TABLE hashes DISABLE TRIGGER ALL"}
	}
	for _, statement := range append(drop, statements...) {
		if _, err := db.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func testTampering(t *testing.T, where place) {
	for name, test := range map[string]struct {
		statements []string
		want       string // the first fault
		open       bool   // it is noticed at once when the store is opened
	}{
		"a changed leaf":         {[]string{`UPDATE leaves SET data = (SELECT data FROM leaves WHERE seq = 6) WHERE seq = 4`}, "leaf 4: ", false},
		"a removed last leaf":    {[]string{`DELETE FROM leaves WHERE seq = 8`}, "16 hashes are stored, and 8 leaves have 15", true},
		"removed, with its hash": {[]string{`DELETE FROM leaves WHERE seq = 8`, `DELETE FROM hashes WHERE idx = 15`}, "the log has 8 leaves, and should have 9: its end is missing", true},
		"a removed leaf":         {[]string{`DELETE FROM leaves WHERE seq = 3`}, "leaf 3: it is missing: leaf 4 is next", false},
		"a swapped pair": {[]string{
			`UPDATE leaves SET seq = -1 WHERE seq = 2`, `UPDATE leaves SET seq = 2 WHERE seq = 3`, `UPDATE leaves SET seq = 3 WHERE seq = -1`,
		}, "leaf 2: it is not what was logged", false},
		"a changed hash":        {[]string{`UPDATE hashes SET hash = (SELECT hash FROM hashes WHERE idx = 0) WHERE idx = 1`}, "leaf 1: it is not what was logged", false},
		"a changed edge":        {[]string{`UPDATE hashes SET hash = (SELECT hash FROM hashes WHERE idx = 0) WHERE idx = 14`}, "leaf 7: the stored hash of the 8 leaves up to it (level 3)", true},
		"a hash too many":       {[]string{`INSERT INTO hashes SELECT idx + 100, hash FROM hashes WHERE idx = 0`}, "17 hashes are stored, and 9 leaves have 16", false},
		"a changed root":        {[]string{`UPDATE log SET root = (SELECT hash FROM hashes WHERE idx = 0)`}, "the leaves give the root", true},
		"a changed tag":         {[]string{`UPDATE tags SET digest = '' WHERE tag = 't0'`}, "ghcr.io/acme/api:t0 is kept as \"\"", false},
		"a tag of another leaf": {[]string{`UPDATE tags SET seq = 0 WHERE tag = 't0'`}, "ghcr.io/acme/api:t0 is kept as of leaf 0, and leaf 8 is its last", false},
		"of other platforms":    {[]string{`UPDATE tags SET platforms = '{"linux/amd64":"sha256:x"}' WHERE tag = 't0'`}, "ghcr.io/acme/api:t0 is kept with other platforms than leaf 8 has", false},
		"a tag too many":        {[]string{`INSERT INTO tags SELECT repository, 'new', digest, seq, last_seen, platforms FROM tags WHERE tag = 't0'`}, "ghcr.io/acme/api:new is kept as a tag", false},
		"a tag too few":         {[]string{`DELETE FROM tags WHERE tag = 't0'`}, "1 tags of the log are not kept", false},
		"found by another name": {[]string{`UPDATE leaves SET tag = 'x' WHERE seq = 4`}, "leaf 4: it is of ghcr.io/acme/api:t0, and found by ghcr.io/acme/api:x", false},
		"no head":               {[]string{`DELETE FROM log`}, "the store does not say which log it holds", true},
	} {
		w := where(t)
		s := open(t, w, store.Options{Create: true})
		nine(t, s)
		unlocked(t, s, test.statements...)
		v, err := s.Verify(t.Context(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(v.Faults) == 0 || !strings.HasPrefix(v.Faults[0].String(), test.want) {
			t.Errorf("%s: %q", name, v.Faults)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		again, err := store.Open(t.Context(), w, store.Options{Create: true})
		if errors.Is(err, store.ErrDamaged) != test.open || !test.open && err != nil {
			t.Errorf("%s: opened: %v", name, err)
		}
		if err == nil {
			_ = again.Close()
		}
	}
}

// nine puts nine leaves into s: moves of t0 and t1.
func nine(t *testing.T, s *store.Store) {
	t.Helper()
	for i, tag := range []string{"t0", "t1", "t0", "t1", "t0", "t1", "t0", "t1", "t0"} {
		o := seen(tag, ref.DigestOf([]byte{byte(i)}, ""), i)
		o.Platforms = map[string]ref.Digest{"linux/amd64": o.Digest}
		if _, _, err := s.Observe(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// What was there when a checkpoint was kept must be there still.
func TestAKeptCheckpoint(t *testing.T) {
	t.Parallel()
	s := open(t, file(t), store.Options{Create: true})
	nine(t, s)
	kept := verified(t, s, 9)
	if _, _, err := s.Observe(t.Context(), seen("x", digest("a"), 0)); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Verify(t.Context(), &kept); err != nil || !v.OK() {
		t.Errorf("a newer log: %+v, %v", v, err)
	}
	for name, test := range map[string]struct {
		kept func(c ledger.Checkpoint) ledger.Checkpoint
		want string
	}{
		"more leaves":    {func(c ledger.Checkpoint) ledger.Checkpoint { c.N = 12; return c }, "the log is shorter than the checkpoint: leaves are missing: 2 of 12"},
		"another root":   {func(c ledger.Checkpoint) ledger.Checkpoint { c.Hash[0] ^= 1; return c }, "the log was rewritten"},
		"another log":    {func(c ledger.Checkpoint) ledger.Checkpoint { c.Origin += "x"; return c }, "the checkpoint is of another log"},
		"now, rewritten": {func(c ledger.Checkpoint) ledger.Checkpoint { c.N = 10; return c }, "the log was rewritten"},
	} {
		k := test.kept(kept)
		if v, err := s.Verify(t.Context(), &k); err != nil || len(v.Faults) != 1 || !strings.HasPrefix(v.Faults[0].String(), test.want) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func testNone(t *testing.T, where place) {
	w := where(t)
	if _, err := store.Open(t.Context(), w, store.Options{}); !errors.Is(err, store.ErrNone) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := store.Open(t.Context(), w, store.Options{}); !errors.Is(err, store.ErrNone) {
		t.Errorf("nothing there, again: %v", err)
	}
	s := open(t, w, store.Options{Create: true})
	first, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// To make what is there changes nothing.
	if head, err := open(t, w, store.Options{Create: true}).Head(t.Context()); err != nil || head != first {
		t.Errorf("%+v, %v", head, err)
	}
	if head, err := open(t, where(t), store.Options{Create: true}).Head(t.Context()); err != nil || head.Origin == first.Origin {
		t.Errorf("two logs of one name: %+v, %v", head, err)
	}
}

// A file that is there and no whole store is never taken for a new one.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	good := file(t)
	s := open(t, good, store.Options{Create: true})
	nine(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte(strings.Repeat("no database ", 100)), "half": whole[:len(whole)/2], "a page": whole[:4096],
	} {
		damaged := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, create := range []bool{false, true} {
			s, err := store.Open(t.Context(), damaged, store.Options{Create: create})
			if err == nil {
				t.Errorf("%s: opened", name)
				_ = s.Close()
				continue
			}
			if !strings.Contains(err.Error(), damaged) {
				t.Errorf("%s: the error does not say which: %v", name, err)
			}
		}
	}
	if _, err := store.Open(t.Context(), t.TempDir(), store.Options{Create: true}); err == nil {
		t.Error("opened a folder")
	}
	if _, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "none", "store.db"), store.Options{Create: true}); err == nil {
		t.Error("made a folder")
	}
}
