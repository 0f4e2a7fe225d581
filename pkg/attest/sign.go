package attest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

// BundleType is the media type of what Sign returns.
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Sigstore's public services.
const (
	PublicFulcio = "https://fulcio.sigstore.dev"
	PublicRekor  = "https://rekor.sigstore.dev"
)

// A Signer says how statements are signed: by Key, or keyless with Token.
type Signer struct {
	Key *Key // nil = keyless
	// Token is an identity token (OIDC) for Fulcio, whose audience is "sigstore".
	Token string
	// Fulcio is where certificates are issued; "" = [PublicFulcio].
	Fulcio string
	// Rekor is the log. Without a key it is always used, "" = [PublicRekor]; with one
	// only if it is named, since its entries are public.
	Rekor string
	// Root is a trusted_root.json under which a keyless bundle must hold before
	// it is handed out; nil = it is not checked.
	Root []byte
	// Timeout of each request; 0 = 30 s.
	Timeout time.Duration
}

// Check says what is wrong with s. It does no I/O.
func (s Signer) Check() error {
	switch {
	case s.Key == nil && s.Token == "":
		return errors.New("neither a key nor an identity token to sign with")
	case s.Key != nil && s.Token != "":
		return errors.New("a key and an identity token: one of them signs")
	case s.Key != nil && s.Fulcio != "":
		return errors.New("a key and a Fulcio: certificates are for keyless signatures")
	}
	for _, text := range []string{s.Fulcio, s.Rekor} {
		u, err := url.Parse(text)
		if text != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("%q is no web address", text)
		}
	}
	return nil
}

// Sign signs a statement and returns a Sigstore bundle, version 0.3, in JSON.
func (s Signer) Sign(ctx context.Context, statement []byte) ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Timeout <= 0 {
		s.Timeout = 30 * time.Second
	}
	o := sign.BundleOptions{Context: ctx}
	key := s.Key
	rekor := strings.TrimRight(s.Rekor, "/")
	if key == nil {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		if key, err = newKey(private); err != nil {
			return nil, err
		}
		o.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{BaseURL: orElse(s.Fulcio, PublicFulcio), Timeout: s.Timeout, Retries: 1})
		o.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: s.Token}
		rekor = orElse(s.Rekor, PublicRekor)
		if s.Root != nil {
			if o.TrustedRoot, err = root.NewTrustedRootFromJSON(s.Root); err != nil {
				return nil, fmt.Errorf("the trust root: %w", err)
			}
		}
	}
	if rekor != "" {
		o.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: rekor, Timeout: s.Timeout, Retries: 1})}
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: PayloadType}, keypair{key}, o)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", s.hide(err))
	}
	return encode(b)
}

func orElse(address, otherwise string) string {
	if address == "" {
		return otherwise
	}
	return strings.TrimRight(address, "/")
}

// hide keeps the token out of what a service says back.
func (s Signer) hide(err error) error {
	if s.Token == "" || !strings.Contains(err.Error(), s.Token) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), s.Token, "…"))
}

// encode is b in JSON, always the same bytes: protojson varies its spaces on
// purpose.
func encode(b *protobundle.Bundle) ([]byte, error) {
	text, err := protojson.Marshal(b)
	if err != nil {
		return nil, err
	}
	var v json.RawMessage = text
	return json.Marshal(v)
}
