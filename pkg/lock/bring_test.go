package lock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/lock"
	"github.com/intact-dev/intact/pkg/ref"
)

// now is what tags mean: "name:tag" -> a letter.
type now struct {
	means map[string]string
	mu    sync.Mutex
	asked []string
}

func (n *now) Resolve(_ context.Context, r ref.Ref) (lock.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, r.String())
	c := n.means[r.String()]
	if c == "" {
		return lock.Entry{}, errors.New("404")
	}
	return lock.Entry{Name: r.Name, Tag: r.Tag, Digest: digest(c), Class: fact.ClassImage, TagClass: ref.ClassOf(r.Tag), Since: day(25)}, nil
}

func named(texts ...string) []extract.Found {
	var out []extract.Found
	for i, text := range texts {
		f := extract.Found{Raw: text, Kind: ref.KindImage, Origin: ref.Origin{Where: "a.yaml", Line: i + 1}}
		switch {
		case strings.HasPrefix(text, "$"):
			f.Unresolved = "variable"
		case strings.HasPrefix(text, "built "):
			f.Unresolved, f.Built = "built here", true
		case strings.HasPrefix(text, "action "):
			f.Kind = ref.KindAction
		default:
			f.Ref, _ = ref.Parse(text)
		}
		out = append(out, f)
	}
	return out
}

func TestBring(t *testing.T) {
	t.Parallel()
	means := map[string]string{"docker.io/library/nginx:1.27.3": "c", "docker.io/library/redis:7.0.0": "e", "docker.io/library/redis:latest": "f", "ghcr.io/acme/api:main": "d"}
	main, nginx := "ghcr.io/acme/api:main", "docker.io/library/nginx:1.27.3"
	for name, row := range map[string]struct {
		names  []string
		o      lock.Options
		means  map[string]string
		asked  []string
		lines  []string // "ref from to"
		left   []string
		pinned int
	}{
		"all_there":        {names: []string{"nginx:1.27.3", main}},
		"a_new_one":        {names: []string{"redis:7.0.0", "docker.io/redis:7.0.0", main}, asked: []string{"docker.io/library/redis:7.0.0"}, lines: []string{"docker.io/library/redis:7.0.0  e"}},
		"no_tag":           {names: []string{"redis"}, asked: []string{"docker.io/library/redis:latest"}, lines: []string{"docker.io/library/redis:latest  f"}},
		"dropped":          {names: []string{main}, o: lock.Options{Drop: true}, lines: []string{nginx + " c "}},
		"moved_not_asked":  {names: []string{main}},
		"moved":            {names: []string{main}, o: lock.Options{Update: true}, asked: []string{main}, lines: []string{main + " b d"}},
		"moved_back":       {names: []string{main}, o: lock.Options{Update: true}, means: map[string]string{main: "a"}, asked: []string{main}, lines: []string{main + " b a"}},
		"the_same_digest":  {names: []string{main}, o: lock.Options{Update: true}, means: map[string]string{main: "b"}, asked: []string{main}},
		"platforms_differ": {names: []string{"nginx:1.27.3"}, o: lock.Options{Update: true}, asked: []string{nginx}, lines: []string{nginx + " c c"}},
		"gone":             {names: []string{main, "nope:1"}, o: lock.Options{Update: true, Drop: true}, means: map[string]string{}, asked: []string{"docker.io/library/nope:1", main}, lines: []string{nginx + " c "}, left: []string{main + " 404", "nope:1 404"}},
		"no_entry_needed":  {names: []string{"x@" + string(digest("a")), "x:1@" + string(digest("a")), "action a/b@v1", "built x:dev", "$x"}, left: []string{"$x it is not resolved: variable"}, pinned: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := sample()
			n := &now{means: means}
			if row.means != nil {
				n.means = row.means
			}
			row.o.Resolver = n
			changes, err := l.Bring(t.Context(), named(row.names...), row.o)
			if err != nil {
				t.Fatal(err)
			}
			letter := func(e lock.Entry) string {
				if e.Digest == "" {
					return ""
				}
				return string(e.Digest)[7:8]
			}
			var lines, left []string
			for _, c := range changes.Lines {
				lines = append(lines, fmt.Sprintf("%s %s %s", c.Ref, letter(c.From), letter(c.To)))
			}
			for _, x := range changes.Left {
				left = append(left, x.Found.Raw+" "+x.Why)
			}
			slices.Sort(n.asked)
			if d := cmp.Diff([][]string{row.asked, row.lines, row.left}, [][]string{n.asked, lines, left}); d != "" {
				t.Error(d)
			}
			if changes.Pinned != row.pinned {
				t.Errorf("%d pinned", changes.Pinned)
			}
			if again, err := lock.Parse(l.Format()); err != nil || string(again.Format()) != string(l.Format()) {
				t.Errorf("it cannot be read again: %v\n%s", err, l.Format())
			}
		})
	}
}

func TestWhatATagWasIsKeptTenTimes(t *testing.T) {
	t.Parallel()
	var l lock.Lock
	for i := range 14 {
		l.Set(lock.Entry{Name: "ghcr.io/acme/api", Tag: "main", Digest: ref.DigestOf([]byte{byte(i)}, ""), Class: fact.ClassImage, TagClass: ref.Floating, Since: day(i + 1)})
	}
	e := l.Entries()[0]
	if len(e.Was) != 10 || e.Was[0].Digest != ref.DigestOf([]byte{12}, "") || e.Was[9].Digest != ref.DigestOf([]byte{3}, "") {
		t.Errorf("%d: %+v", len(e.Was), e.Was)
	}
}

func TestBringThatIsStoppedLeavesTheLock(t *testing.T) {
	t.Parallel()
	l := sample()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Bring(ctx, named("redis:7.0.0"), lock.Options{Resolver: &now{}, Drop: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(text(), string(l.Format())); d != "" {
		t.Error(d)
	}
}
