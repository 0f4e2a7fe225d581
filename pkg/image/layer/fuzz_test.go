package layer

import (
	"bytes"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// smallBudget keeps a fuzzer from spending its time on bombs.
func smallBudget() *Budget {
	b := NewBudget()
	b.maxEntries, b.maxPathBytes, b.maxExpanded, b.maxLayer = 2000, 1<<20, 4<<20, 4<<20
	return b
}

func seeds(f *testing.F) [][]byte {
	a := archive(f, dir("d", 0o755), file("d/f", "#!/bin/sh\n", 0o755), link("l", "d"), hard("h", "d/f"), wh("d/.wh.x"), wh(".wh..wh..opq"),
		xattrs("x", xattrCapability, "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00"), device("n", 0, 0), file("etc/passwd", passwdFile, 0o644))
	return [][]byte{nil, a, gz(f, a), zst(f, a), append(gz(f, a[:700]), gz(f, a[700:])...), append(skippable("x"), zst(f, a)...),
		rawArchive(rawEntry("x", 'x', paxRecord("size", "5")), rawEntry("a", '0', "hello")),
		rawArchive(rawEntry("g", 'g', paxRecord("path", "b")), rawEntry("a", 'S', "hello"))}
}

// FuzzRead: whatever the bytes are, all of them are hashed, and what is
// readable survives encoding, merging and analysis.
func FuzzRead(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		c, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, gzipType), Options{Budget: smallBudget()})
		if err != nil {
			if image.CauseOf(err) != fact.Limit {
				t.Fatalf("Read: %v", err)
			}
			return
		}
		if c.Fact.Digest != ref.DigestOf(blob, "") || c.Fact.Size != int64(len(blob)) {
			t.Fatalf("not every byte was hashed: %+v", c.Fact)
		}
		if !c.Readable() {
			if len(c.Fact.Problems) == 0 {
				t.Fatal("unreadable without a problem")
			}
			return
		}
		var buf bytes.Buffer
		if err := c.Encode(&buf); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(&buf, nil)
		if err != nil {
			t.Fatalf("Decode of what was encoded: %v", err)
		}
		exercise(t, again, again)
	})
}

// FuzzDecode: malformed input is an error, well-formed input is safe to use.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		c, err := Read(f.Context(), bytes.NewReader(s), describe(s, gzipType), Options{})
		if err != nil {
			continue
		}
		var buf bytes.Buffer
		if err := c.Encode(&buf); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(bytes.NewReader(b), smallBudget())
		if err != nil || !c.Readable() {
			return
		}
		exercise(t, c)
	})
}

// FuzzMerge takes two archives.
func FuzzMerge(f *testing.F) {
	for _, s := range seeds(f) {
		for _, o := range seeds(f) {
			f.Add(s, o)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var layers []*Contents
		for _, blob := range [][]byte{a, b} {
			c, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, plainType), Options{Budget: smallBudget()})
			if err != nil || !c.Readable() {
				return
			}
			layers = append(layers, c)
		}
		exercise(t, layers...)
	})
}

// exercise merges layers, analyses the tree and checks what must hold of any.
func exercise(t *testing.T, layers ...*Contents) {
	t.Helper()
	tree, err := Merge(layers)
	if err != nil {
		if image.CauseOf(err) != fact.Limit {
			t.Fatalf("Merge: %v", err)
		}
		return
	}
	entries, _ := tree.Len()
	walked := 0
	tree.Walk(func(e *Entry, layer int) bool {
		walked++
		if len(e.Path) < 2 || e.Path[0] != '/' || layer >= len(layers) {
			t.Fatalf("path %q of layer %d", e.Path, layer)
		}
		return true
	})
	if walked != entries {
		t.Fatalf("walked %d of %d", walked, entries)
	}
	cfg := fact.Config{Cmd: []string{"sh", "-c", "l/x"}, WorkingDir: "d", Env: []string{"PATH=/d:l:/usr/bin"}}
	fs := Analyse(tree, cfg, fact.Of(fact.User{UID: 1000, GID: 1000}))
	if fs.Entries != entries {
		t.Fatalf("analysed %d of %d", fs.Entries, entries)
	}
	_ = ResolveUser(tree, "app:group")
	tree.WritableBy(1000, []uint32{1000}, "/d/f/../l")
}
