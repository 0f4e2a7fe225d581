package ledger_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/mod/sumdb/tlog"
)

// A world is a log in memory.
type world struct {
	leaves [][]byte
	hashes []tlog.Hash
	edge   ledger.Edge
}

func (w *world) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, w.hashes[i])
	}
	return out, nil
}

func (w *world) add(t *testing.T, tr ledger.Transition) {
	t.Helper()
	leaf, err := tr.Encode()
	if err != nil {
		t.Fatal(err)
	}
	h, err := w.edge.Append(leaf)
	if err != nil {
		t.Fatal(err)
	}
	w.leaves, w.hashes = append(w.leaves, leaf), append(w.hashes, h...)
}

// filled is a log of n moves of two tags.
func filled(t *testing.T, n int) *world {
	t.Helper()
	w := &world{}
	var last [2]ref.Digest
	for i := range n {
		to := ref.DigestOf([]byte{byte(i), byte(i >> 8)}, "")
		w.add(t, ledger.Transition{
			Repository: "ghcr.io/acme/api", Tag: fmt.Sprint("t", i%2), From: last[i%2], To: to, At: time.Unix(1800000000, 0), Source: "test",
		})
		last[i%2] = to
	}
	return w
}

func (w *world) checkpoint(t *testing.T) ledger.Checkpoint {
	t.Helper()
	tree, err := w.edge.Tree()
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Checkpoint{Origin: ledger.OriginPrefix + "1", Tree: tree}
}

// verify goes through w as a store does, and returns what does not hold.
func (w *world) verify() (out []string) {
	var v ledger.Verifier
	at := 0
	for n, leaf := range w.leaves {
		count := ledger.Hashes(int64(n))
		_, faults := v.Add(leaf, w.hashes[min(at, len(w.hashes)):min(at+count, len(w.hashes))])
		at += count
		for _, f := range faults {
			out = append(out, f.String())
		}
	}
	return out
}

// The edge gives the same trees as the library does from all hashes.
func TestTheEdgeIsEnoughToAppend(t *testing.T) {
	t.Parallel()
	w := &world{}
	full := filled(t, 130)
	for n, leaf := range full.leaves {
		e, err := ledger.ReadEdge(int64(n), w)
		if err != nil {
			t.Fatal(err)
		}
		h, err := e.Append(leaf)
		if err != nil {
			t.Fatal(err)
		}
		if len(h) != ledger.Hashes(int64(n)) || int64(len(w.hashes)) != tlog.StoredHashIndex(0, int64(n)) {
			t.Fatalf("leaf %d: %d hashes at %d", n, len(h), len(w.hashes))
		}
		w.hashes = append(w.hashes, h...)
		tree, err := e.Tree()
		if err != nil {
			t.Fatal(err)
		}
		want, err := tlog.TreeHash(int64(n+1), w)
		if err != nil || tree.Hash != want || tree.N != int64(n+1) {
			t.Fatalf("%d leaves: %v, want %v, %v", n+1, tree, want, err)
		}
	}
	if got := full.verify(); got != nil {
		t.Error(got)
	}
}

func TestTamperingIsNoticed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tamper func(w *world)
		want   string
	}{
		"a changed leaf": {func(w *world) {
			w.leaves[5] = []byte(strings.Replace(string(w.leaves[5]), "2027", "2028", 1))
		}, "leaf 5: it is not what was logged"},
		"a leaf that is none": {func(w *world) { w.leaves[5] = []byte("x") }, "leaf 5: decode transition"},
		"a swapped pair":      {func(w *world) { w.leaves[4], w.leaves[6] = w.leaves[6], w.leaves[4] }, "leaf 4: ghcr.io/acme/api:t0 comes from"},
		"a swapped pair of two tags": {func(w *world) { w.leaves[4], w.leaves[5] = w.leaves[5], w.leaves[4] },
			"leaf 4: it is not what was logged"},
		"a changed leaf hash": {func(w *world) { w.hashes[tlog.StoredHashIndex(0, 9)][0] ^= 1 }, "leaf 9: it is not what was logged"},
		"a changed inner hash": {func(w *world) { w.hashes[tlog.StoredHashIndex(2, 1)][0] ^= 1 },
			"leaf 7: the stored hash of the 4 leaves up to it (level 2)"},
		"a missing hash": {func(w *world) { w.hashes = w.hashes[:len(w.hashes)-1] }, "leaf 15: 4 of its 5 hashes are stored"},
	} {
		w := filled(t, 16)
		test.tamper(w)
		if got := w.verify(); len(got) == 0 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A log in which all hashes were made anew is as good as any, but for who has
// kept a checkpoint.
func TestAKeptCheckpointTellsARewrittenLog(t *testing.T) {
	t.Parallel()
	for _, kept := range []int{0, 1, 2, 3, 7, 8, 20} {
		old := filled(t, kept).checkpoint(t)
		for _, n := range []int{kept, kept + 1, 21, 64} {
			w := filled(t, n)
			if err := ledger.Extends(old, w.checkpoint(t), w); err != nil {
				t.Errorf("%d leaves after %d: %v", n, kept, err)
			}
		}
		if kept == 0 {
			continue
		}
		short := filled(t, kept-1)
		if err := ledger.Extends(old, short.checkpoint(t), short); !errors.Is(err, ledger.ErrTruncated) {
			t.Errorf("%d leaves after %d: %v", kept-1, kept, err)
		}
		for _, n := range []int{kept, kept + 5} {
			w := &world{}
			w.add(t, transitionOf("forged"))
			for _, leaf := range filled(t, n).leaves[1:] {
				h, err := w.edge.Append(leaf)
				if err != nil {
					t.Fatal(err)
				}
				w.hashes = append(w.hashes, h...)
			}
			if err := ledger.Extends(old, w.checkpoint(t), w); !errors.Is(err, ledger.ErrRewritten) {
				t.Errorf("%d forged leaves after %d: %v", n, kept, err)
			}
		}
	}
	w := filled(t, 3)
	now := w.checkpoint(t)
	now.Origin += "2"
	if err := ledger.Extends(w.checkpoint(t), now, w); !errors.Is(err, ledger.ErrOtherLog) {
		t.Errorf("another log: %v", err)
	}
}

func transitionOf(source string) ledger.Transition {
	tr := transition()
	tr.From, tr.Source = "", source
	return tr
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	private, public, err := ledger.NewKey(rand.Reader, "acme.internal/intact")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ledger.ParseKey(public)
	if err != nil || reader.Private() || !key.Private() || key.Name() != reader.Name() {
		t.Fatalf("%v", err)
	}
	_, strangers, err := ledger.NewKey(rand.Reader, "acme.internal/intact")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ledger.ParseKey(strangers)
	if err != nil {
		t.Fatal(err)
	}
	c := filled(t, 5).checkpoint(t)
	signed, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := c.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sign(reader); err == nil {
		t.Error("signed with a public key")
	}
	for name, test := range map[string]struct {
		text   []byte
		key    *ledger.Key
		signed bool
		err    error
	}{
		"signed, by the private key": {signed, key, true, nil},
		"signed, by the public key":  {signed, reader, true, nil},
		"signed, nobody looks":       {signed, nil, true, nil},
		"unsigned":                   {unsigned, nil, false, nil},
		"unsigned, a key is given":   {unsigned, reader, false, ledger.ErrUnsigned},
		"signed by somebody else":    {signed, stranger, false, ledger.ErrUnsigned},
		"another size":               {[]byte(strings.Replace(string(signed), "\n5\n", "\n6\n", 1)), reader, false, ledger.ErrUnsigned},
	} {
		got, is, err := ledger.ParseCheckpoint(test.text, test.key)
		if !errors.Is(err, test.err) || err == nil && (got != c || is != test.signed) {
			t.Errorf("%s: %v %v %v", name, got, is, err)
		}
	}
	for _, text := range []string{
		"", "x\n1\nx\n", c.Text() + "more\n", strings.Replace(c.Text(), "\n5\n", "\n05\n", 1), strings.Replace(c.Text(), "\n5\n", "\n-5\n", 1),
		strings.TrimSuffix(c.Text(), "\n"), c.Text() + "\nx", strings.Repeat("x", 70<<10),
	} {
		if got, _, err := ledger.ParseCheckpoint([]byte(text), nil); err == nil {
			t.Errorf("%.40q is %v", text, got)
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	private, _, err := ledger.NewKey(rand.Reader, "k")
	if err != nil {
		f.Fatal(err)
	}
	key, err := ledger.ParseKey(private)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := ledger.Checkpoint{Origin: ledger.OriginPrefix + "1"}.Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, signed, err := ledger.ParseCheckpoint(b, nil)
		if err == nil && !signed && c.Text() != string(b) {
			t.Errorf("%q is %q", b, c.Text())
		}
		_, _, _ = ledger.ParseCheckpoint(b, key)
	})
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	private, _, err := ledger.NewKey(rand.Reader, "k")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "PRIVATE+KEY+", "PRIVATE+KEY+k+00000000+canary", private[:40], "k+00000000+AAAA"} {
		if _, err := ledger.ParseKey(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b"} {
		if _, _, err := ledger.NewKey(rand.Reader, name); err == nil {
			t.Errorf("a key called %q", name)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	private, public, err := ledger.NewKey(rand.Reader, "k")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(private)
	f.Add(public)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ledger.ParseKey(text) })
}
