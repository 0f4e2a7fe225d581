package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/archive"
	"github.com/intact-dev/intact/pkg/source/layout"
)

// targets turns arguments into targets. A mistake in an argument is a usage
// error; what a registry says about it is for the report.
func (s *scanSetup) targets(ctx context.Context, args []string) ([]scan.Target, error) {
	var out []scan.Target
	seen := map[string]bool{}
	for _, arg := range args {
		if seen[arg] {
			continue
		}
		seen[arg] = true
		t, err := s.target(ctx, arg)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func (s *scanSetup) target(ctx context.Context, arg string) (scan.Target, error) {
	prefix, rest, err := splitArgument(arg, exists)
	if err != nil {
		return scan.Target{}, err
	}
	t := scan.Target{Text: arg, Kind: ref.KindImage, Origin: ref.Origin{Kind: "argument"}}
	switch prefix {
	case "oci":
		return s.layoutTarget(t, rest)
	case "archive":
		return s.archiveTarget(ctx, t, rest)
	case "docker-daemon":
		return s.engineTarget(ctx, t, rest)
	case "containerd":
		return s.containerdTarget(ctx, t, rest)
	}
	if s.as.Name != "" {
		return t, usage(fmt.Errorf("--as with %q, which is in a registry already", arg), "--as is for local images: oci:DIR, archive:FILE, docker-daemon:REF or containerd:REF")
	}
	r, err := ref.Parse(rest)
	if err != nil {
		return t, usage(err, "write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…")
	}
	t.Ref, t.Name = r, r
	if r.Tag == "" && r.Digest == "" {
		// What every client does with such a name; REF002 says that it was left open.
		t.Ref.Tag = "latest"
	}
	t.Place = scan.Place{Source: s.reach.registry, Prober: s.reach.registry, Referrer: s.reach.registry}
	return t, nil
}

// splitLocal separates the path of a local source from the tag or digest in it.
// A path that exists as written has none.
func splitLocal(s string) (path string, inside ref.Ref, err error) {
	if exists(s) {
		return s, ref.Ref{}, nil
	}
	if path, d, ok := strings.Cut(s, "@"); ok && exists(path) {
		digest, err := ref.ParseDigest(d)
		return path, ref.Ref{Digest: digest}, err
	}
	for i := range len(s) {
		// The first colon after which the rest is a tag: paths may hold colons.
		if s[i] == ':' && exists(s[:i]) {
			return s[:i], ref.Ref{Tag: s[i+1:]}, nil
		}
	}
	return s, ref.Ref{}, fmt.Errorf("%q does not exist", s)
}

func (s *scanSetup) layoutTarget(t scan.Target, rest string) (scan.Target, error) {
	path, inside, err := splitLocal(rest)
	if err != nil {
		return t, usage(err, "write oci:DIR, oci:DIR:TAG or oci:DIR@sha256:…")
	}
	src, err := layout.Open(path)
	if err != nil {
		return t, usage(err, "an OCI image layout is a folder with oci-layout, index.json and blobs/")
	}
	s.closers = append(s.closers, src.Close)
	t.Ref = inside
	t.Place = scan.Place{Source: src, Prober: src, Referrer: src}
	return s.judgedAs(t), nil
}

func (s *scanSetup) archiveTarget(ctx context.Context, t scan.Target, rest string) (scan.Target, error) {
	path, inside, err := splitLocal(rest)
	if err != nil {
		return t, usage(err, "write archive:FILE or archive:FILE:TAG")
	}
	src, err := archive.Open(ctx, path)
	if err != nil {
		return t, usage(err, "an archive is what docker save writes, or a tar of an OCI layout; gzip too")
	}
	s.closers = append(s.closers, src.Close)
	t.Ref = inside
	t.Place = scan.Place{Source: src, Prober: src, Referrer: src}
	return s.judgedAs(t), nil
}

// judgedAs gives a local image the name that it will be pushed to.
func (s *scanSetup) judgedAs(t scan.Target) scan.Target {
	if s.as.Name == "" {
		return t
	}
	t.Name, t.PushTo, t.Destination = s.as, s.as, s.reach.registry
	t.Text += " as " + s.as.String()
	return t
}
