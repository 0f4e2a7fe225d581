package gather_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

var errDown = &image.Error{Op: "ask", Cause: fact.ServerError, Err: errors.New("500"), Hint: "try again"}

func TestTag(t *testing.T) {
	t.Parallel()
	one := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "one")}})
	two := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "two")}})
	d1, d2 := one.Root.Descriptor.Digest, two.Root.Descriptor.Digest
	get := fact.TagAnswer{Method: "GET", Digest: d1, At: now}
	for name, tt := range map[string]struct {
		reference string
		before    func(*memory) // before the deciding answer
		after     func(*memory) // before the closing look
		noProber  bool
		want      []fact.TagAnswer
		state     fact.State
		cause     fact.Cause
	}{
		"same":      {want: []fact.TagAnswer{get, {Method: "HEAD", Digest: d1, At: now}}, state: fact.Known},
		"moved":     {after: func(m *memory) { m.add(two, "1.0.0") }, want: []fact.TagAnswer{get, {Method: "HEAD", Digest: d2, At: now}}, state: fact.Known},
		"deleted":   {after: func(m *memory) { delete(m.manifests, "1.0.0") }, want: []fact.TagAnswer{get, {Method: "HEAD", Gone: true, At: now}}, state: fact.Known},
		"head_down": {after: func(m *memory) { m.fails["head 1.0.0"] = []error{errDown} }, cause: fact.ServerError},
		"header_lies": {before: func(m *memory) {
			a := m.manifests["1.0.0"]
			a.DigestClaim = d2
			m.manifests["1.0.0"] = a
		}, want: []fact.TagAnswer{get, {Method: "GET header", Digest: d2, At: now}, {Method: "HEAD", Digest: d1, At: now}}, state: fact.Known},
		"header_of_another_algorithm": {before: func(m *memory) {
			a := m.manifests["1.0.0"]
			a.DigestClaim = ref.DigestOf(a.Body, "sha512:")
			m.manifests["1.0.0"] = a
		}, want: []fact.TagAnswer{get, {Method: "HEAD", Digest: d1, At: now}}, state: fact.Known},
		"head_without_digest": {before: func(m *memory) { m.headClaim = false },
			want: []fact.TagAnswer{get, {Method: "closing GET", Digest: d1, At: now}}, state: fact.Known},
		"head_without_digest_moved": {before: func(m *memory) { m.headClaim = false }, after: func(m *memory) { m.add(two, "1.0.0") },
			want: []fact.TagAnswer{get, {Method: "closing GET", Digest: d2, At: now}}, state: fact.Known},
		"closing_get_down": {before: func(m *memory) { m.headClaim = false }, after: func(m *memory) { m.fails["manifest 1.0.0"] = []error{errDown} }, cause: fact.ServerError},
		"closing_get_gone": {before: func(m *memory) { m.headClaim = false }, after: func(m *memory) { m.fails["manifest 1.0.0"] = []error{notFound("1.0.0")} },
			want: []fact.TagAnswer{get, {Method: "closing GET", Gone: true, At: now}}, state: fact.Known},
		"cannot_be_asked": {noProber: true, cause: fact.Unsupported},
		"digest":          {reference: "example.com/app@" + string(d1), state: fact.Absent},
		"tag_and_digest":  {reference: "example.com/app:1.0.0@" + string(d1), state: fact.Absent},
		"local":           {before: func(m *memory) { m.local = true }, state: fact.Absent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.add(one, "1.0.0")
			if tt.before != nil {
				tt.before(m)
			}
			reference := "example.com/app:1.0.0"
			if tt.reference != "" {
				reference = tt.reference
			}
			img := open(t, m, reference, image.Options{})
			if tt.after != nil {
				tt.after(m)
			}
			var prober image.Prober = m
			if tt.noProber {
				prober = nil
			}
			got := gather.Tag(t.Context(), img, prober, parse(t, reference), now, clock)
			if got.State != tt.state || got.Cause != tt.cause {
				t.Fatalf("state %s, cause %q: %s; want %s, %q", got.State, got.Cause, got.Why, tt.state, tt.cause)
			}
			if diff := cmp.Diff(tt.want, got.V.Answers); diff != "" {
				t.Error(diff)
			}
			if tt.state == fact.Known && (got.Source != "example.com/app" || !got.At.Equal(now)) {
				t.Errorf("an observation needs its time and source: %v, %q", got.At, got.Source)
			}
			if tt.cause == fact.ServerError && got.Why != "ask: 500 (try again)" {
				t.Errorf("why: %s", got.Why)
			}
		})
	}
}

func TestPin(t *testing.T) {
	t.Parallel()
	index := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "a"), app("linux/arm64", "b")}})
	other := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "other")}})
	child := index.Images[0].Manifest
	root := index.Root.Descriptor.Digest
	for name, tt := range map[string]struct {
		pinned ref.Digest
		tagged *testimage.Object // nil = the tag is gone
		fails  error
		want   fact.Pin
		cause  fact.Cause
	}{
		"same":   {pinned: root, tagged: &index.Root, want: fact.Pin{Pinned: root, TagPoints: root}},
		"other":  {pinned: root, tagged: &other.Root, want: fact.Pin{Pinned: root, TagPoints: other.Root.Descriptor.Digest}},
		"child":  {pinned: child.Descriptor.Digest, tagged: &index.Root, want: fact.Pin{Pinned: child.Descriptor.Digest, TagPoints: root, ChildOfTag: true}},
		"parent": {pinned: root, tagged: &child, want: fact.Pin{Pinned: root, TagPoints: child.Descriptor.Digest, ParentOfTag: true}},
		"gone":   {pinned: root, want: fact.Pin{Pinned: root}},
		"down":   {pinned: root, tagged: &index.Root, fails: errDown, cause: fact.ServerError},
		"sha512": {pinned: ref.DigestOf(index.Root.Body, "sha512:"), tagged: &index.Root,
			want: fact.Pin{Pinned: ref.DigestOf(index.Root.Body, "sha512:"), TagPoints: ref.DigestOf(index.Root.Body, "sha512:")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.add(index)
			m.add(other)
			m.manifests[string(ref.DigestOf(index.Root.Body, "sha512:"))] = image.Answer{Body: index.Root.Body}
			if tt.tagged != nil {
				m.manifests["1.0.0"] = image.Answer{Body: tt.tagged.Body, MediaType: tt.tagged.Descriptor.MediaType}
			}
			reference := "example.com/app:1.0.0@" + string(tt.pinned)
			img := open(t, m, reference, image.Options{})
			if tt.fails != nil {
				m.fails["manifest 1.0.0"] = []error{tt.fails}
			}
			got := gather.Pin(t.Context(), img, parse(t, reference), clock)
			if got.Cause != tt.cause || (got.State == fact.Known) != (tt.cause == "") {
				t.Fatalf("state %s, cause %q: %s", got.State, got.Cause, got.Why)
			}
			if tt.cause == "" {
				tt.want.Tag = "1.0.0"
			}
			if diff := cmp.Diff(tt.want, got.V); diff != "" {
				t.Error(diff)
			}
		})
	}
	m := newMemory()
	m.add(index, "1.0.0")
	for _, reference := range []string{"example.com/app:1.0.0", "example.com/app@" + string(root)} {
		if got := gather.Pin(t.Context(), open(t, m, reference, image.Options{}), parse(t, reference), clock); got.State != fact.Absent {
			t.Errorf("%s: %+v, want absent", reference, got)
		}
	}
	m.local = true
	both := "example.com/app:1.0.0@" + string(root)
	if got := gather.Pin(t.Context(), open(t, m, both, image.Options{}), parse(t, both), clock); got.State != fact.Absent {
		t.Errorf("a local image: %+v, want absent", got)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	m := newMemory()
	there := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "there")}})
	m.add(there, "1.0.0")
	m.fails["manifest down"] = []error{errDown}
	d := there.Root.Descriptor.Digest
	local := ref.DigestOf([]byte("local"), "")
	to := func(tag string) ref.Ref { return ref.Ref{Name: "example.com/app", Tag: tag} }
	for name, tt := range map[string]struct {
		to    ref.Ref
		local ref.Digest
		want  fact.Value[fact.Push]
	}{
		"nowhere":       {want: fact.None[fact.Push]()},
		"free":          {to: to("2.0.0"), local: local, want: fact.Of(fact.Push{To: to("2.0.0"), Class: ref.Fixed, Local: local})},
		"taken":         {to: to("1.0.0"), local: local, want: fact.Of(fact.Push{To: to("1.0.0"), Class: ref.Fixed, Local: local, Exists: true, Digest: d})},
		"same":          {to: to("1.0.0"), local: d, want: fact.Of(fact.Push{To: to("1.0.0"), Class: ref.Fixed, Local: d, Exists: true, Digest: d})},
		"unknown_local": {to: to("1.0.0"), want: fact.Of(fact.Push{To: to("1.0.0"), Class: ref.Fixed, Exists: true, Digest: d})},
		"sha512": {to: to("1.0.0"), local: ref.DigestOf(nil, "sha512:"),
			want: fact.Of(fact.Push{To: to("1.0.0"), Class: ref.Fixed, Local: ref.DigestOf(nil, "sha512:"), Exists: true, Digest: ref.DigestOf(there.Root.Body, "sha512:")})},
		"down": {to: to("down"), local: local, want: fact.Missing[fact.Push](fact.ServerError, "ask: 500 (try again)")},
	} {
		got := gather.Push(t.Context(), m, tt.to, ref.Fixed, tt.local, clock)
		if tt.want.State == fact.Known {
			tt.want.At, tt.want.Source = now, "example.com/app"
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "a"), app("linux/arm64", "b")}}
	built := build(t, spec)
	bad := testimage.Spec{Index: true, Images: []testimage.Image{app("linux/amd64", "a")}}
	bad.Images[0].ConfigFields = map[string]any{"config": map[string]any{"User": 7}}
	unreadable := build(t, bad)
	arm := built.Images[1]
	states := func(l fact.List[fact.Document]) []string {
		var out []string
		for _, p := range l.Parts {
			s := p.V.Role
			if p.State != fact.Known {
				s = "unknown: " + string(p.Cause)
			} else if p.V.Wanted.Digest != "" && p.V.Wanted.Digest != p.V.Digest {
				s += " wrong"
			}
			out = append(out, s)
		}
		return out
	}
	for name, tt := range map[string]struct {
		built  *testimage.Built
		sel    image.Selection
		spoil  func(*memory)
		want   []string // of the last child
		config fact.Status
	}{
		"good":          {sel: amd64, want: []string{"manifest", "config"}, config: fact.Status{State: fact.Known}},
		"manifest_down": {sel: amd64, spoil: func(m *memory) { m.fails["manifest "+string(arm.Manifest.Descriptor.Digest)] = []error{errDown} }, want: []string{"unknown: server-error"}, config: fact.Status{Cause: fact.ServerError, Why: "ask: 500 (try again)"}},
		"manifest_wrong": {sel: amd64, spoil: func(m *memory) {
			m.manifests[string(arm.Manifest.Descriptor.Digest)] = image.Answer{Body: []byte("{}")}
		}, want: []string{"manifest wrong"}, config: fact.Status{Cause: fact.Dependency, Why: "the config is wrong or unreadable"}},
		"gone_unselected":        {sel: amd64, spoil: func(m *memory) { delete(m.manifests, string(arm.Manifest.Descriptor.Digest)) }, want: []string{"unknown: not-asked"}, config: fact.Status{Cause: fact.NotAsked, Why: "the manifest of linux/arm64 is listed but not there; the platform was not selected"}},
		"gone_selected":          {sel: image.Selection{All: true}, spoil: func(m *memory) { delete(m.manifests, string(arm.Manifest.Descriptor.Digest)) }, want: []string{"unknown: not-found"}, config: fact.Status{Cause: fact.NotFound, Why: "get manifest " + string(arm.Manifest.Descriptor.Digest) + ": EOF"}},
		"config_down":            {sel: amd64, spoil: func(m *memory) { m.fails["blob "+string(arm.Config.Descriptor.Digest)] = []error{errDown} }, want: []string{"manifest", "unknown: server-error"}, config: fact.Status{Cause: fact.ServerError, Why: "ask: 500 (try again)"}},
		"config_wrong":           {sel: amd64, spoil: func(m *memory) { m.blobs[arm.Config.Descriptor.Digest] = []byte("{}") }, want: []string{"manifest", "config wrong"}, config: fact.Status{Cause: fact.Dependency, Why: "the config is wrong or unreadable"}},
		"config_gone_unselected": {sel: amd64, spoil: func(m *memory) { delete(m.blobs, arm.Config.Descriptor.Digest) }, want: []string{"manifest", "unknown: not-asked"}, config: fact.Status{Cause: fact.NotAsked, Why: "the config is not there; the platform was not selected"}},
		"config_gone":            {sel: image.Selection{All: true}, spoil: func(m *memory) { delete(m.blobs, arm.Config.Descriptor.Digest) }, want: []string{"manifest", "unknown: not-found"}, config: fact.Status{Cause: fact.NotFound, Why: "get blob " + string(arm.Config.Descriptor.Digest) + ": EOF"}},
		"config_of_wrong_types":  {built: unreadable, sel: amd64, want: []string{"manifest", "config"}, config: fact.Status{Cause: fact.Dependency, Why: "the config cannot be relied on: see DIG008"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			b := built
			if tt.built != nil {
				b = tt.built
			}
			m.add(b, "t")
			if tt.spoil != nil {
				tt.spoil(m)
			}
			img := open(t, m, "example.com/app:t", image.Options{Select: tt.sel})
			last := img.Children[len(img.Children)-1]
			if diff := cmp.Diff(tt.want, states(gather.Documents(last))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.config, gather.Config(last).Status()); diff != "" {
				t.Error(diff)
			}
			if got := states(gather.RootDocuments(img)); !slices.Equal(got, []string{"index"}) {
				t.Errorf("the root's documents: %q", got)
			}
			if f := gather.Image(img, "example.com/app"); len(f.V.Platforms) != len(b.Images) {
				t.Errorf("%d platforms", len(f.V.Platforms))
			}
		})
	}
}

func TestResolution(t *testing.T) {
	t.Parallel()
	m := newMemory()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "a")}})
	m.add(built, "t")
	d := built.Root.Descriptor.Digest
	for reference, by := range map[string]string{"example.com/app:t": "tag", "example.com/app@" + string(d): "digest", "example.com/app:t@" + string(d): "digest"} {
		got := gather.Resolution(open(t, m, reference, image.Options{}), parse(t, reference))
		if diff := cmp.Diff(fact.Resolution{Digest: d, MediaType: image.TypeOCIManifest, By: by}, got.V); diff != "" {
			t.Errorf("%s: %s", reference, diff)
		}
	}
	m.local = true
	if got := gather.Resolution(open(t, m, "example.com/app:t", image.Options{}), ref.Ref{}); got.V.By != "source" {
		t.Errorf("a local image is resolved by %s", got.V.By)
	}
}
