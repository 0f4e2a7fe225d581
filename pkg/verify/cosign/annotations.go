package cosign

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// A logBundle is the annotation that holds a log entry with the log's promise.
type logBundle struct {
	SignedEntryTimestamp []byte
	Payload              struct {
		Body           string `json:"body"` // base64
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"` // hex
	}
}

func (b *logBundle) rekor() *bundle.RekorBundle {
	return &bundle.RekorBundle{
		SignedEntryTimestamp: b.SignedEntryTimestamp,
		Payload: bundle.RekorPayload{
			Body:           b.Payload.Body,
			IntegratedTime: b.Payload.IntegratedTime,
			LogIndex:       b.Payload.LogIndex,
			LogID:          b.Payload.LogID,
		},
	}
}

func rfc3161(stamp []byte) *bundle.RFC3161Timestamp {
	return &bundle.RFC3161Timestamp{SignedRFC3161Timestamp: stamp}
}

// readAnnotations reads all but the signature itself. The object is returned
// with an error too, as far as it was read.
func readAnnotations(annotations map[string]string) (*object, error) {
	o := &object{}
	if text := annotations[static.CertificateAnnotationKey]; text != "" {
		if err := o.readCertificate([]byte(text), []byte(annotations[static.ChainAnnotationKey])); err != nil {
			return o, err
		}
	}
	if text := annotations[static.BundleAnnotationKey]; text != "" {
		if err := o.readLog([]byte(text)); err != nil {
			return o, fmt.Errorf("the log bundle %w", err)
		}
	}
	if text := annotations[static.RFC3161TimestampAnnotationKey]; text != "" {
		var stamp bundle.RFC3161Timestamp
		if err := unmarshal([]byte(text), &stamp); err != nil {
			return o, fmt.Errorf("the timestamp %w", err)
		}
		o.stamp = stamp.SignedRFC3161Timestamp
	}
	return o, nil
}

// unmarshal refuses what two readers can understand differently: cosign, which
// reads the same text, takes the last of duplicate keys in any case.
func unmarshal(text []byte, v any) error {
	if err := material.CheckJSON(text, true); err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("is not what it should be: %w", err)
	}
	return nil
}

// readCertificate takes one certificate. The chain is read for its form only:
// issuers come from the trust root.
func (o *object) readCertificate(text, chain []byte) error {
	block, rest := pem.Decode(text)
	switch {
	case block == nil || block.Type != "CERTIFICATE":
		return errors.New("the certificate annotation holds no certificate")
	case len(bytes.TrimSpace(rest)) > 0:
		return errors.New("the certificate annotation holds more than one certificate")
	}
	cert, err := material.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the certificate: %w", err)
	}
	o.certificate = cert
	o.certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	for rest := bytes.TrimSpace(chain); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return errors.New("the chain annotation holds something that is no certificate")
		}
		issuer, err := material.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("the certificate chain: %w", err)
		}
		o.chain = append(o.chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Raw})...)
	}
	return nil
}

func (o *object) readLog(text []byte) error {
	o.log = &logBundle{}
	if err := unmarshal(text, o.log); err != nil {
		return err
	}
	body, err := base64.StdEncoding.DecodeString(o.log.Payload.Body)
	if err != nil {
		return fmt.Errorf("has an entry that is no base64: %w", err)
	}
	id, err := hex.DecodeString(o.log.Payload.LogID)
	if err != nil || len(id) == 0 {
		return errors.New("names no log")
	}
	if len(o.log.SignedEntryTimestamp) == 0 {
		return errors.New("holds no promise of the log")
	}
	p := o.log.Payload
	//lint:ignore SA1019 cosign's form holds entries of the log's first version only, which is all that this reads
	o.entry, err = tlog.NewEntry(body, p.IntegratedTime, p.LogIndex, id, o.log.SignedEntryTimestamp, nil)
	if err != nil {
		return fmt.Errorf("has an entry that cannot be read: %w", err)
	}
	return nil
}
