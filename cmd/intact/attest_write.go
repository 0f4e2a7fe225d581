package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/urfave/cli/v2"
)

// attest signs v and writes it where the flags say, and tells what it wrote.
func (s *scanSetup) attest(ctx context.Context, c *cli.Context, signer attest.Signer, v attest.Verdict) error {
	if signer.Key == nil {
		var err error
		if signer.Root, err = s.rootFor(ctx, c, signer); err != nil {
			return usage(err, "")
		}
	}
	bundle, err := bundleOf(ctx, signer, v)
	if err != nil {
		return usage(fmt.Errorf("%s: not attested: %w", c.Args().First(), err), "")
	}
	result := "PASSED"
	if v.Decision == policy.Deny {
		result = "FAILED"
	}
	told := fmt.Sprintf("%s@%s attested as %s (%s)", v.Image.Canonical(), v.Digest, result, v.Decision)
	if name := c.String("output"); name != "" {
		to := name
		write := func(w io.Writer) error { _, err := w.Write(bundle); return err }
		if name == "-" {
			to, err = "standard output", write(s.p.stdout)
		} else {
			err = writeFile(name, write)
		}
		if err != nil {
			return usage(fmt.Errorf("write the bundle: %w", err), "")
		}
		s.p.say("note", "%s, written to %s", told, to)
	}
	if !c.Bool("push") {
		return nil
	}
	digest, form, err := s.attach(ctx, v, bundle, nil)
	if err != nil {
		return usage(fmt.Errorf("not pushed: %w", err), "the credentials must allow a push to the repository; --output FILE needs none")
	}
	where := "as a referrer"
	if form == fact.FormFallbackTag {
		where = "as a referrer under a fallback tag, since the registry has no referrers API"
	}
	s.p.say("note", "%s, pushed to %s@%s %s", told, v.Image.Canonical(), digest, where)
	return nil
}

// bundleOf is v signed, with a line's end.
func bundleOf(ctx context.Context, signer attest.Signer, v attest.Verdict) ([]byte, error) {
	statement, err := attest.Statement(v)
	if err != nil {
		return nil, err
	}
	bundle, err := signer.Sign(ctx, statement)
	return append(bundle, '\n'), err
}

// attach stores a bundle beside the image that it is about.
func (s *scanSetup) attach(ctx context.Context, v attest.Verdict, bundle []byte, pushes func(ref.Digest)) (ref.Digest, string, error) {
	subject, err := s.subject(ctx, v.Image.WithDigest(v.Digest))
	if err != nil {
		return "", "", err
	}
	return s.reach.registry.Attach(ctx, v.Image, registry.Artifact{
		Subject: subject, Type: attest.BundleType, Pushes: pushes, Bytes: bytes.TrimSuffix(bundle, []byte("\n")),
		// As cosign writes them: it finds bundles by these.
		Annotations: map[string]string{
			"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": attest.PredicateType,
			"org.opencontainers.image.created": v.Time.UTC().Format(time.RFC3339),
		},
	})
}

// subject is the manifest that was judged, as a referrer names it.
func (s *scanSetup) subject(ctx context.Context, r ref.Ref) (ref.Descriptor, error) {
	a, err := s.reach.registry.Manifest(ctx, r)
	if err != nil {
		return ref.Descriptor{}, err
	}
	if got := ref.DigestOf(a.Body, r.Digest); got != r.Digest {
		return ref.Descriptor{}, fmt.Errorf("get manifest %s: what came hashes to %s", r, got)
	}
	return ref.Descriptor{MediaType: a.MediaType, Digest: r.Digest, Size: int64(len(a.Body))}, nil
}

// rootFor is the root under which a keyless bundle must hold before anybody gets
// it: the one that was given, or the public one for the public services. For other
// services without a root there is none.
func (s *scanSetup) rootFor(ctx context.Context, c *cli.Context, signer attest.Signer) ([]byte, error) {
	switch {
	case c.String("trusted-root") != "":
		return readLimited(c.String("trusted-root"))
	case signer.Fulcio != "" || signer.Rekor != "":
		return nil, nil
	}
	return s.publicRoot(c, time.Now())(ctx)
}
