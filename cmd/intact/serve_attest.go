package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/urfave/cli/v2"
)

// attester signs verdicts of the service as the config says; nil if it says
// nothing. A key that cannot be read is an error now, not at the first push.
func (s *scanSetup) attester(p program, c *cli.Context, a *config.Attest) (func(context.Context, *report.Report, ref.Ref, func(ref.Digest)) error, error) {
	if a == nil {
		return nil, nil
	}
	signer := attest.Signer{Fulcio: a.Fulcio, Rekor: a.Rekor}
	if !a.Keyless {
		key, err := readAttestKey(p, a)
		if err != nil {
			return nil, fmt.Errorf("serve.attest: %w", err)
		}
		signer.Key = key
	}
	return func(ctx context.Context, r *report.Report, name ref.Ref, pushes func(ref.Digest)) error {
		v, ok := verdictOf(r, name, s.options.Depth)
		if !ok {
			return attest.ErrUndecided
		}
		v.Verifier, v.Version, v.Time, v.Manifests = attest.DefaultVerifier, toolVersion(), time.Now(), nil
		if a.Keyless {
			// Tokens live for minutes: each is read when it is needed.
			var err error
			if signer.Token, err = secretOf(p, a.Token.File, a.Token.Env); err != nil {
				return err
			}
			if signer.Root, err = s.rootFor(ctx, c, signer); err != nil {
				return err
			}
		}
		return s.attestServed(ctx, signer, v, a, pushes)
	}, nil
}

func readAttestKey(p program, a *config.Attest) (*attest.Key, error) {
	text, err := readLimited(a.Key)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", a.Key, err)
	}
	var password string
	if a.Password != (config.Secret{}) {
		if password, err = secretOf(p, a.Password.File, a.Password.Env); err != nil {
			return nil, fmt.Errorf("password of the key: %w", err)
		}
	}
	key, err := attest.ReadKey(text, password)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", a.Key, err)
	}
	return key, nil
}

// attestServed signs v and puts it where the config says.
func (s *scanSetup) attestServed(ctx context.Context, signer attest.Signer, v attest.Verdict, a *config.Attest, pushes func(ref.Digest)) error {
	bundle, err := bundleOf(ctx, signer, v)
	if err != nil {
		return err
	}
	if a.Output != "" {
		name := strings.NewReplacer("/", "_", ":", "_").Replace(v.Image.Canonical()+"@"+string(v.Digest)) + ".sigstore.json"
		err := writeFile(filepath.Join(a.Output, name), func(w io.Writer) error { _, err := w.Write(bundle); return err })
		if err != nil {
			return fmt.Errorf("write the bundle: %w", err)
		}
	}
	if a.Push {
		if _, _, err := s.attach(ctx, v, bundle, pushes); err != nil {
			return fmt.Errorf("push the bundle: %w", err)
		}
	}
	return nil
}
