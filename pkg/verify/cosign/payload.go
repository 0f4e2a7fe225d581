package cosign

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// simple is the payload of a signature.
//
// https://github.com/containers/image/blob/main/docs/containers-signature.5.md
type simple struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

// simpleType keeps a signature that was made for something else from being one
// of an image.
const simpleType = "cosign container image signature"

func (o *object) readSimple(payload []byte, annotations map[string]string, out *fact.Signature) error {
	o.payload, o.message = payload, payload
	o.base64 = annotations[static.SignatureAnnotationKey]
	signature, err := decodeBase64(o.base64)
	if err != nil {
		return fmt.Errorf("the signature annotation %w", err)
	}
	o.signature = signature
	if err := material.CheckJSON(payload, true); err != nil {
		return fmt.Errorf("the payload %w", err)
	}
	var s simple
	if err := json.Unmarshal(payload, &s); err != nil {
		return fmt.Errorf("the payload is no simple signing document: %w", err)
	}
	if s.Critical.Type != simpleType {
		return fmt.Errorf("payloads of type %q are %w", s.Critical.Type, material.ErrUnsupported)
	}
	d, err := ref.ParseDigest(s.Critical.Image.DockerManifestDigest)
	if err != nil {
		return fmt.Errorf("the payload names no image: %w", err)
	}
	out.Claims = []ref.Digest{d}
	for k, v := range s.Optional {
		if text, ok := v.(string); ok {
			if out.Annotations == nil {
				out.Annotations = map[string]string{}
			}
			out.Annotations[k] = text
		}
	}
	return nil
}

func (o *object) readEnvelope(text []byte, predicates []string, out *fact.Signature) error {
	o.payload = text
	var envelope dsse.Envelope
	if err := unmarshal(text, &envelope); err != nil {
		return fmt.Errorf("the envelope %w", err)
	}
	if len(envelope.Signatures) != 1 {
		return fmt.Errorf("the envelope has %d signatures, not one", len(envelope.Signatures))
	}
	// The reading that the verifier uses too.
	payload, err := envelope.DecodeB64Payload()
	if err != nil {
		return fmt.Errorf("the envelope's payload is no base64: %w", err)
	}
	if o.signature, err = decodeBase64(envelope.Signatures[0].Sig); err != nil {
		return fmt.Errorf("the envelope's signature %w", err)
	}
	if envelope.PayloadType != material.PayloadType {
		return fmt.Errorf("payloads of type %q are %w", envelope.PayloadType, material.ErrUnsupported)
	}
	if len(payload) == 0 {
		return errors.New("the envelope's payload is empty")
	}
	o.message = dsse.PAE(envelope.PayloadType, payload)
	hash := sha256.Sum256(payload)
	o.payloadHash = hash[:]
	statement, err := material.ParseStatement(payload, predicates)
	if err != nil {
		return err
	}
	statement.Fill(out)
	return nil
}
