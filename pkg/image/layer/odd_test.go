package layer

import (
	"archive/tar"
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/ref"
)

// What a layer holds are files, whatever else they look like: nothing of them is
// read as an archive, as a list of contents, or as a time.
func TestFilesAreOnlyFiles(t *testing.T) {
	t.Parallel()
	inner := archive(t, file("manifest.json", `[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l.tar"]}]`, 0o644))
	toc := `{"version":1,"entries":[{"name":"app","type":"reg","mode":493,"size":1,"digest":"sha256:` + ref.DigestOf([]byte("x"), "").Hex() + `"},{"name":"hidden","type":"reg"}]}`
	early, late := file("early", "a", 0o644), file("late", "b", 0o644)
	early.h.ModTime, late.h.ModTime = time.Unix(-1<<40, 0), time.Unix(1<<40, 999_999_999)
	early.h.Format, late.h.Format = tar.FormatGNU, tar.FormatPAX
	entries := []member{
		file("app", "really", 0o4755), file("layer.tar", string(inner), 0o644), file("manifest.json", `[{"Layers":["layer.tar"]}]`, 0o644),
		file("oci-layout", `{"imageLayoutVersion":"1.0.0"}`, 0o644), file("stargz.index.json", toc, 0o644), early, late,
	}
	a := archive(t, entries...)
	// As zstd:chunked has it: its list of contents is in a skippable frame at the end.
	chunked := append(zst(t, a), skippable(toc)...)
	for name, blob := range map[string][]byte{plainType: a, gzipType: gz(t, a), zstdType: chunked} {
		c := read(t, blob, name)
		if want := ref.DigestOf(a, ""); c.Fact.DiffID != want || !c.Readable() {
			t.Errorf("%s: diffID %s, want %s; readable %v", name, c.Fact.DiffID, want, c.Readable())
		}
		var got []string
		for e := range c.Entries.All() {
			got = append(got, string(e.Path))
			if string(e.Path) == "app" && (e.Size != 6 || e.Mode&0o7777 != 0o4755) {
				t.Errorf("%s: app has size %d and mode %o", name, e.Size, e.Mode)
			}
		}
		if diff := cmp.Diff([]string{"app", "layer.tar", "manifest.json", "oci-layout", "stargz.index.json", "early", "late"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A time field may hold what no number is.
func TestTimesAreNotRead(t *testing.T) {
	t.Parallel()
	a := archive(t, file("a", "x", 0o644))
	for _, field := range []string{"999999999999", "zzzzzzzzzzzz", "-0000000001\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x80\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"} {
		b := bytes.Clone(a)
		copy(b[136:148], field)
		sum := 0
		copy(b[148:156], "        ")
		for _, c := range b[:512] {
			sum += int(c)
		}
		copy(b[148:156], []byte{'0' + byte(sum>>15&7), '0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' '})
		c, err := Read(t.Context(), bytes.NewReader(b), describe(b, plainType), Options{})
		if err != nil {
			t.Fatalf("%q: %v", field, err)
		}
		if n := c.Fact.Entries; c.Readable() && n != 1 || !c.Readable() && len(c.Fact.Problems) == 0 {
			t.Errorf("%q: readable %v with %d entries, %+v", field, c.Readable(), n, c.Fact.Problems)
		}
		if c.Fact.DiffID != ref.DigestOf(b, "") {
			t.Errorf("%q: diffID %s", field, c.Fact.DiffID)
		}
	}
}
