package lock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/lock"
	"github.com/intact-dev/intact/pkg/ref"
)

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

func day(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }

func sample() *lock.Lock {
	var l lock.Lock
	l.Set(lock.Entry{Name: "ghcr.io/acme/api", Tag: "main", Digest: digest("a"), Class: fact.ClassImage, TagClass: ref.Floating, Since: day(1)})
	l.Set(lock.Entry{Name: "docker.io/library/nginx", Tag: "1.27.3", Digest: digest("c"), Class: fact.ClassIndex, TagClass: ref.Fixed, Since: day(2),
		Platforms: []lock.Platform{{"linux/arm64", digest("d")}, {"linux/amd64", digest("e")}}})
	l.Set(lock.Entry{Name: "ghcr.io/acme/api", Tag: "main", Digest: digest("b"), Class: fact.ClassImage, TagClass: ref.Floating, Since: day(9)})
	return &l
}

func text() string {
	return "intact.lock v1\n" +
		"docker.io/library/nginx:1.27.3 " + string(digest("c")) + " index fixed 2026-11-02 linux/amd64=" + string(digest("e")) + " linux/arm64=" + string(digest("d")) + "\n" +
		"ghcr.io/acme/api:main " + string(digest("b")) + " image floating 2026-11-09 was=" + string(digest("a")) + "@2026-11-01\n"
}

func TestALockIsTheSameTextForTheSameEntries(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff(text(), string(sample().Format())); d != "" {
		t.Fatal(d)
	}
	read, err := lock.Parse([]byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text(), string(read.Format())); d != "" {
		t.Error(d)
	}
	again := sample()
	again.Set(lock.Entry{Name: "ghcr.io/acme/api", Tag: "main", Digest: digest("b"), Class: fact.ClassImage, TagClass: ref.Floating, Since: day(20)})
	if d := cmp.Diff(text(), string(again.Format())); d != "" {
		t.Errorf("to lock what is locked changes the file:\n%s", d)
	}
}

func TestHistoryOfATag(t *testing.T) {
	t.Parallel()
	l := sample()
	for text, want := range map[string]fact.State{"ghcr.io/acme/api:main": fact.Known, "nginx:1.27.3": fact.Known, "nginx": fact.Absent, "nginx:1.27.4": fact.Absent} {
		r, err := ref.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.History(r); got.State != want {
			t.Errorf("%s: %v, want %v", text, got.State, want)
		}
	}
	r, _ := ref.Parse("ghcr.io/acme/api:main")
	want := fact.TagHistory{By: "intact.lock", Tag: "main", Before: fact.Past{Digest: digest("b"), At: day(9), Platforms: map[string]ref.Digest{}},
		Earlier: []fact.Past{{Digest: digest("a"), At: day(1)}}}
	if d := cmp.Diff(want, l.History(r).V); d != "" {
		t.Error(d)
	}
}

func TestKeepDropsWhatIsNoLongerNamed(t *testing.T) {
	t.Parallel()
	l := sample()
	l.Keep(map[string]bool{"ghcr.io/acme/api:main": true})
	if got := l.Entries(); len(got) != 1 || got[0].Tag != "main" {
		t.Errorf("%+v", got)
	}
}

func TestALineThatIsNotUnderstoodIsAnError(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(text(), "\n")
	for name, tt := range map[string]struct{ text, want string }{
		"empty":         {"", "line 1"},
		"other_version": {"intact.lock v2\n", "line 1"},
		"cut_short":     {strings.TrimSuffix(text(), "\n"), "cut short"},
		"twice":         {lines[0] + lines[1] + lines[1], "line 3: docker.io/library/nginx:1.27.3 stands there twice"},
		"order":         {lines[0] + lines[2] + lines[1], "out of order"},
		"conflict":      {lines[0] + "<<<<<<< HEAD\n" + lines[1], "line 2"},
		"carriage":      {strings.ReplaceAll(text(), "\n", "\r\n"), "line 1"},
		"short_digest":  {lines[0] + "docker.io/library/nginx:1 sha256:abc index fixed 2026-11-02\n", "sha256:abc"},
		"not_canonical": {lines[0] + strings.Replace(lines[1], "docker.io/library/", "", 1), "canonical"},
		"class":         {lines[0] + strings.Replace(lines[1], " index ", " folder ", 1), `"folder"`},
		"tag_class":     {lines[0] + strings.Replace(lines[1], " fixed ", " firm ", 1), `"firm"`},
		"day":           {lines[0] + strings.Replace(lines[1], "2026-11-02", "2026-13-02", 1), "2026-13-02"},
		"platform":      {lines[0] + strings.Replace(lines[1], "linux/amd64", "linux", 1), `"linux"`},
		"unknown_field": {lines[0] + strings.Replace(lines[1], "\n", " x\n", 1), `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := lock.Parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(text()))
	f.Add([]byte("intact.lock v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := lock.Parse(b)
		if err != nil {
			return
		}
		if string(l.Format()) != string(b) {
			t.Errorf("%q was read and is written as %q", b, l.Format())
		}
	})
}
