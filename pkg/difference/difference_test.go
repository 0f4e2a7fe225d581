package difference_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func digest(s string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(s, 64)) }

func side(root string, platforms map[string]difference.Platform) difference.Side {
	return difference.Side{Digest: digest(root), Image: fact.Of(fact.Image{Root: ref.Descriptor{Digest: digest(root)}, Class: fact.ClassIndex}), Platforms: platforms}
}

func one(manifest, id string, change func(*fact.Config)) map[string]difference.Platform {
	c := fact.Config{User: "app", Entrypoint: []string{"/app"}, DiffIDs: []ref.Digest{digest("1"), digest("2")}, LayerCount: 2}
	if change != nil {
		change(&c)
	}
	return map[string]difference.Platform{"linux/amd64": {Manifest: digest(manifest), ID: digest(id), Config: fact.Of(c)}}
}

func changes(list ...fact.FileChange) fact.List[fact.FileChange] {
	out := fact.ListOf[fact.FileChange]()
	for _, f := range list {
		out.Parts = append(out.Parts, fact.Of(f))
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before := side("a", one("c", "e", nil))
	newLayer := func(c *fact.Config) { c.DiffIDs = []ref.Digest{digest("1"), digest("3")} }
	for name, tt := range map[string]struct {
		before, after difference.Side
		files         difference.Files
		want          difference.Kind
		says          string // "": nothing
		not           string // what was not compared
	}{
		"nothing":           {after: before, want: difference.Same},
		"attestations only": {after: side("b", one("c", "e", nil)), want: difference.Attestations, says: "images of all platforms are the same"},
		"recompressed":      {after: side("b", one("d", "e", nil)), want: difference.Compression, says: "compressed anew"},
		"built anew":        {after: side("b", one("d", "f", nil)), want: difference.Labels, says: "built anew"},
		"a label": {after: side("b", one("d", "f", func(c *fact.Config) { c.Labels = map[string]string{"rev": "2"} })),
			want: difference.Labels, says: "labels: rev added"},
		"user": {after: side("b", one("d", "f", func(c *fact.Config) { c.User = "" })), want: difference.Command, says: `user: root, was "app"`},
		"entrypoint": {after: side("b", one("d", "f", func(c *fact.Config) { c.Entrypoint = []string{"/sh"} })),
			want: difference.Command, says: `entrypoint: ["/sh"], was ["/app"]`},
		"a secret in the environment is not told": {after: side("b", one("d", "f", func(c *fact.Config) { c.Env = []string{"TOKEN=canary"} })),
			want: difference.Settings, says: "environment: TOKEN added"},
		"what is loaded": {after: side("b", one("d", "f", func(c *fact.Config) { c.Env = []string{"LD_PRELOAD=/x.so"} })),
			want: difference.Command, says: "LD_PRELOAD added"},
		"layers not compared": {after: side("b", one("d", "f", newLayer)), want: difference.Unknown, not: "1 of 2 layers are new"},
		"a program": {after: side("b", one("d", "f", newLayer)), want: difference.Code, says: "1 executable: /app changed",
			files: difference.Files{"linux/amd64": changes(fact.FileChange{Path: "/app", What: "changed", Kind: fact.FileExecutable},
				fact.FileChange{Path: "/x", What: "added", Kind: fact.FileData})}},
		"only data": {after: side("b", one("d", "f", newLayer)), want: difference.Data, says: "1 other file: /x added",
			files: difference.Files{"linux/amd64": changes(fact.FileChange{Path: "/x", What: "added", Kind: fact.FileData})}},
		"other layers, same files": {after: side("b", one("d", "f", newLayer)), want: difference.Compression, files: difference.Files{"linux/amd64": changes()},
			says: "come to the same files"},
		"files unknown": {after: side("b", one("d", "f", newLayer)), want: difference.Unknown, not: "gone",
			files: difference.Files{"linux/amd64": fact.MissingList[fact.FileChange](fact.NotFound, "gone")}},
		"data, and a part not known": {after: side("b", one("d", "f", newLayer)), want: difference.Unknown, not: "unreadable",
			files: difference.Files{"linux/amd64": fact.ListOf(fact.Of(fact.FileChange{Path: "/x", Kind: fact.FileData}), fact.Missing[fact.FileChange](fact.Limit, "unreadable"))}},
		"base": {after: side("b", one("d", "f", func(c *fact.Config) { c.DiffIDs = []ref.Digest{digest("7"), digest("2")} })), want: difference.Base,
			files: difference.Files{"linux/amd64": changes()}, says: "lowest layer is another one"},
		"a platform less": {before: side("a", map[string]difference.Platform{"linux/amd64": {Manifest: digest("c")}, "linux/arm64": {Manifest: digest("d")}}),
			after: side("b", map[string]difference.Platform{"linux/amd64": {Manifest: digest("c")}}), want: difference.Platforms, says: "no image for this platform any more"},
		"config unknown": {after: side("b", map[string]difference.Platform{"linux/amd64": {Manifest: digest("d"), Config: fact.Missing[fact.Config](fact.Network, "no answer")}}),
			want: difference.Unknown, not: "no answer"},
		"former image gone": {before: difference.Side{Digest: digest("a"), Image: fact.Missing[fact.Image](fact.NotFound, "it is gone")},
			after: before, want: difference.Same},
		"former image gone, other digest": {before: difference.Side{Digest: digest("9"), Image: fact.Missing[fact.Image](fact.NotFound, "it is gone")},
			after: before, want: difference.Unknown, not: "the former image: it is gone"},
		"index cut short": {after: difference.Side{Digest: digest("b"), Image: fact.Of(fact.Image{Incomplete: "a limit"}), Platforms: one("c", "e", nil)},
			want: difference.Unknown, not: "a limit"},
		"artifacts": {before: side("a", nil), after: side("b", nil), want: difference.Unknown, not: "neither is an image that runs"},
	} {
		was := tt.before
		if was.Digest == "" {
			was = before
		}
		got := difference.Compare(was, tt.after, tt.files)
		var said []string
		for _, c := range got.Changes {
			said = append(said, c.Text)
		}
		all, not := strings.Join(said, "\n"), strings.Join(got.NotCompared, "\n")
		if got.Kind != tt.want || !strings.Contains(all, tt.says) || !strings.Contains(not, tt.not) || tt.not == "" && not != "" {
			t.Errorf("%s: kind %q, changes %q, not compared %q", name, got.Kind, all, not)
		}
		if strings.Contains(all+not, "canary") {
			t.Errorf("%s: told %q", name, all)
		}
	}
}
