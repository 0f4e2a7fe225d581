// Package docker reads images out of a Docker engine's store, or Podman's: the
// engine saves an image to a private temporary file, which is then read as any
// archive is.
//
// What that proves depends on the store. With a graph driver, and with Podman,
// the manifest is made for the archive, and only the config's digest, the image
// ID, means anything elsewhere. containerd's store hands out manifests as they
// came; of an index only the platforms that were pulled are there.
package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	place        = "Docker engine"
	noSignatures = "what a Docker engine saves carries no signatures"
)

// Options of a Source.
type Options struct {
	Engine dockerengine.Options
	// Timeout of one small answer; 0 = 30 s. Saving an image is bounded by the
	// context.
	Timeout time.Duration
	// Open reads the archive in a file.
	Open func(ctx context.Context, file string) (Opened, error)
	// TempDir is where the file is kept; "" = os.TempDir.
	TempDir string
}

// An Opened is an archive.
type Opened interface {
	image.Source
	image.Prober
	io.Closer
}

// A Source is one image of an engine's store. It implements [image.Source],
// [image.Prober] and [image.Referrer], and may be used concurrently.
type Source struct {
	opened   Opened
	root     ref.Ref // the image in it
	dir      string
	known    Known
	manifest bool // manifests come as they came
}

// Known is what the engine says about the image. Nothing of it is proved but by
// what [Source] hands out.
type Known struct {
	Host    string // of the engine
	Engine  string // its version
	Given   string // the name that was asked for
	ID      ref.Digest
	Kind    fact.DigestKind // of the ID; "" = not known
	Tags    []string        // RepoTags
	Digests []string        // RepoDigests
	// DigestsLocal says that Digests are made from local tags, so that no registry
	// need ever have had the image under them.
	DigestsLocal bool
	Platform     ref.Platform
}

// Open saves the image that name names, a reference or an ID, and opens what came
// of it. Whatever the tag does afterwards, it is this image. The caller closes the
// Source, which removes the file.
func Open(ctx context.Context, name string, o Options) (_ *Source, err error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	ep, err := dockerengine.Find(o.Engine)
	if err != nil {
		return nil, err
	}
	e, err := dockerengine.Connect(ctx, ep, o.Timeout)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	s := &Source{}
	limit, err := s.ask(ctx, e, name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	file, err := s.save(ctx, e, limit, o.TempDir)
	if err != nil {
		return nil, err
	}
	opened, err := o.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	s.opened = opened
	if err := s.verify(ctx, e.Info.Store); err != nil {
		return nil, err
	}
	return s, nil
}

// checkName refuses what becomes no part of a path.
func checkName(name string) error {
	if _, err := ref.ParseDigest(name); err == nil {
		return nil
	}
	if _, err := ref.Parse(name); err != nil && strings.Trim(name, "0123456789abcdef") != "" {
		return &image.Error{Op: "find", Object: "the image", Cause: fact.Unsupported, Err: err, Hint: "write docker-daemon:NAME:TAG or docker-daemon:ID"}
	}
	if name == "" {
		return &image.Error{Op: "find", Object: "the image", Cause: fact.Unsupported, Err: errors.New("it has no name"), Hint: "write docker-daemon:NAME:TAG or docker-daemon:ID"}
	}
	return nil
}

// ask learns what the engine knows, and returns how large the file may become.
func (s *Source) ask(ctx context.Context, e *dockerengine.Engine, name string) (limit int64, err error) {
	got, err := e.Image(ctx, name)
	if err != nil {
		var missing *image.Error
		if errors.As(err, &missing) && missing.Cause == fact.NotFound {
			missing.Hint = "see what is there: docker images"
		}
		return 0, err
	}
	id := got.ID
	if !strings.Contains(id, ":") { // some versions of Podman
		id = "sha256:" + id
	}
	d, err := ref.ParseDigest(id)
	if err != nil {
		return 0, &image.Error{Op: "find", Object: fmt.Sprintf("image %q of engine %q", name, e.Endpoint.Host), Cause: fact.ServerError, Err: err}
	}
	s.known = Known{Host: e.Endpoint.Host, Engine: e.Info.Version, Given: name, ID: d, Tags: got.RepoTags, Digests: got.RepoDigests,
		DigestsLocal: len(got.RepoDigests) > 0 && e.Info.Store != dockerengine.StoreGraph,
		Platform:     ref.Platform{OS: got.Os, Architecture: got.Architecture, Variant: got.Variant, OSVersion: got.OsVersion}}
	return limitOf(got.Size), nil
}

// verify compares what was saved with what was asked for: an engine that saves
// another image would have that one judged.
func (s *Source) verify(ctx context.Context, store dockerengine.Store) error {
	fail := func(format string, args ...any) error {
		return &image.Error{Op: "save", Object: fmt.Sprintf("image %q of engine %q", s.known.Given, s.known.Host), Cause: fact.ServerError,
			Err: fmt.Errorf(format, args...)}
	}
	if store == dockerengine.StoreContainerd {
		s.root.Digest = s.known.ID
	}
	a, err := s.opened.Manifest(ctx, s.root)
	if image.CauseOf(err) == fact.NotFound && s.root.Digest != "" {
		return fail("it has the ID %s, which is not in what came: %w", s.known.ID, err)
	}
	if err != nil {
		return err
	}
	var m struct {
		Config    *struct{ Digest ref.Digest }
		Manifests []json.RawMessage
	}
	if err := json.Unmarshal(a.Body, &m); err != nil {
		return fail("what came is no manifest: %w", err)
	}
	root, config := ref.DigestOf(a.Body, s.known.ID), ref.Digest("")
	if m.Config != nil {
		config = m.Config.Digest
	}
	switch s.known.ID {
	case root:
		s.manifest, s.known.Kind = s.opened.Proves().Manifest, fact.DigestManifest
		if m.Config == nil && len(m.Manifests) > 0 {
			s.known.Kind = fact.DigestIndex
		}
	case config:
		s.known.Kind = fact.DigestConfig
	default:
		if store != dockerengine.StorePodman { // whose IDs need not be the digest of anything
			return fail("it has the ID %s, and what came is manifest %s with config %q", s.known.ID, root, config)
		}
	}
	return nil
}

// Known returns what the engine says about the image.
func (s *Source) Known() Known { return s.known }

// Proves implements [image.Source].
func (s *Source) Proves() image.Claims {
	return image.Claims{Place: place, Manifest: s.manifest, NoSignatures: noSignatures}
}

// Manifest implements [image.Source]. It knows the tag that was asked for, and
// those that the image had at that time.
func (s *Source) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	inside, err := s.inside("get manifest", r)
	if err != nil {
		return nil, err
	}
	return s.opened.Manifest(ctx, inside)
}

// Head implements [image.Prober].
func (s *Source) Head(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	inside, err := s.inside("look for manifest", r)
	if err != nil {
		return nil, err
	}
	return s.opened.Head(ctx, inside)
}

// inside is r as the archive knows it, which has one image and no names.
func (s *Source) inside(op string, r ref.Ref) (ref.Ref, error) {
	switch {
	case r.Digest != "":
		return ref.Ref{Digest: r.Digest}, nil
	case r.Tag == "":
		return s.root, nil
	}
	for _, name := range append([]string{s.known.Given}, s.known.Tags...) {
		if known, err := ref.Parse(name); err == nil && known.Digest == "" && (known.Tag == r.Tag || known.Tag == "" && r.Tag == "latest") && known.Canonical() == r.Canonical() {
			return s.root, nil
		}
	}
	return ref.Ref{}, &image.Error{Op: op, Object: fmt.Sprintf("image %q of engine %q", r, s.known.Host), Cause: fact.NotFound,
		Err: fmt.Errorf("what was saved is image %q", s.known.Given)}
}

// Blob implements [image.Source].
func (s *Source) Blob(ctx context.Context, r ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	return s.opened.Blob(ctx, r, d)
}

// HasBlob implements [image.Prober].
func (s *Source) HasBlob(ctx context.Context, r ref.Ref, d ref.Descriptor) (bool, error) {
	return s.opened.HasBlob(ctx, r, d)
}

// Referrers implements [image.Referrer]: there can be none, which is an error and
// not an empty list.
func (s *Source) Referrers(_ context.Context, _ ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error) {
	return nil, "", &image.Error{Op: "list referrers", Object: string(d), Cause: fact.Unsupported, Err: errors.New(noSignatures)}
}

// Close removes the file. Open blobs fail from then on.
func (s *Source) Close() error {
	var errs []error
	if s.opened != nil {
		errs = append(errs, s.opened.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

var (
	_ image.Source   = (*Source)(nil)
	_ image.Prober   = (*Source)(nil)
	_ image.Referrer = (*Source)(nil)
)
