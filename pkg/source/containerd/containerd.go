// Package containerd reads images from containerd's image and content stores,
// over its socket: containerd:REF.
//
// A name is looked up in every namespace; one that stands for different images
// in two of them is refused until the namespace is named. Manifests and blobs
// come as they were pulled or imported. What containerd did not keep is an error
// with the cause fact.NotFound.
package containerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/ref"
)

// Flag is how a user names the namespace.
const Flag = "--containerd-namespace"

// Options say which containerd to read from, and what of it.
type Options struct {
	// Address is the path of the socket, or unix:// and the path; "" is the one that
	// is found in the usual places.
	Address string
	// Namespace is the only one to look in; "" is all.
	Namespace string
}

// A Source is one containerd. It implements [image.Source] and [image.Prober],
// and may be used concurrently.
type Source struct {
	client     *containerdclient.Client
	namespaces []string // in the order in which they are searched
}

// Open connects to containerd. The error says what is there instead. The caller
// closes the Source.
func Open(ctx context.Context, o Options) (*Source, error) {
	address := o.Address
	if address == "" {
		found, err := containerdclient.Discover(containerdclient.Sockets())
		if err != nil {
			return nil, err
		}
		if len(found) > 1 {
			return nil, &image.Error{Op: "find", Object: "the socket of containerd", Cause: fact.Unsupported,
				Err: fmt.Errorf("there are %s", strings.Join(found, " and ")), Hint: "choose one: " + containerdclient.Flag + " unix://" + found[0]}
		}
		address = found[0]
	}
	return open(ctx, containerdclient.Options{Address: address}, o.Namespace)
}

func open(ctx context.Context, o containerdclient.Options, namespace string) (*Source, error) {
	client, err := containerdclient.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Source{client: client}
	if err := s.choose(ctx, namespace); err != nil {
		_ = client.Close()
		return nil, err
	}
	return s, nil
}

// choose sets the namespaces. containerd takes an unknown one for an empty one.
func (s *Source) choose(ctx context.Context, only string) error {
	all, err := s.client.Namespaces(ctx)
	if err != nil {
		return err
	}
	switch {
	case only == "":
		// Those of ctr and nerdctl, and of Kubernetes, come first.
		for _, first := range []string{"k8s.io", "default"} {
			if i := slices.Index(all, first); i >= 0 {
				all = slices.Insert(slices.Delete(all, i, i+1), 0, first)
			}
		}
		s.namespaces = all
	case slices.Contains(all, only):
		s.namespaces = []string{only}
	default:
		return &image.Error{Op: "open", Object: fmt.Sprintf("namespace %q of containerd", only), Cause: fact.NotFound,
			Err: fmt.Errorf("there is none of this name; there are %s", quoted(all))}
	}
	return nil
}

// Close ends the connection, and blobs that are open with it.
func (s *Source) Close() error { return s.client.Close() }

// Proves implements [image.Source].
func (s *Source) Proves() image.Claims { return s.client.Content("").Proves() }

// Manifest implements [image.Source]. A reference with neither a tag nor a
// digest means the tag latest.
func (s *Source) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	if r.Digest != "" {
		return anywhere(s, "get", string(r.Digest), func(c *containerdclient.Content) (*image.Answer, error) { return c.Manifest(ctx, r) })
	}
	namespace, target, err := s.find(ctx, "get", r)
	if err != nil {
		return nil, err
	}
	a, err := s.client.Content(namespace).Manifest(ctx, ref.Ref{Digest: target.Digest})
	if err != nil {
		return nil, err
	}
	a.MediaType, a.Wanted = target.MediaType, target
	return a, nil
}

// Head implements [image.Prober].
func (s *Source) Head(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	a := &image.Answer{DigestClaim: r.Digest}
	if r.Digest == "" {
		_, target, err := s.find(ctx, "look for", r)
		if err != nil {
			return nil, err
		}
		a.DigestClaim, a.MediaType = target.Digest, target.MediaType
	}
	there, err := s.HasBlob(ctx, r, ref.Descriptor{Digest: a.DigestClaim})
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, s.missing("look for", string(a.DigestClaim))
	}
	return a, nil
}

// Blob implements [image.Source].
func (s *Source) Blob(ctx context.Context, r ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	return anywhere(s, "get", string(d.Digest), func(c *containerdclient.Content) (io.ReadCloser, error) { return c.Blob(ctx, r, d) })
}

// HasBlob implements [image.Prober].
func (s *Source) HasBlob(ctx context.Context, _ ref.Ref, d ref.Descriptor) (bool, error) {
	for _, namespace := range s.namespaces {
		if there, err := s.client.Content(namespace).Has(ctx, d.Digest); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// anywhere asks one namespace after the other: a digest means the same in all,
// but each sees only what was pulled in it.
func anywhere[T any](s *Source, op, digest string, get func(*containerdclient.Content) (T, error)) (T, error) {
	var none T
	err := s.missing(op, digest)
	for _, namespace := range s.namespaces {
		var v T
		if v, err = get(s.client.Content(namespace)); err == nil {
			return v, nil
		}
		if image.CauseOf(err) != fact.NotFound {
			break
		}
	}
	return none, err
}

func (s *Source) missing(op, what string) error {
	return &image.Error{Op: op, Object: what, Cause: fact.NotFound,
		Err: errors.New("it is in no namespace of containerd that was looked in (" + quoted(s.namespaces) + ")")}
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "there is none"
	}
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, ", ")
}
