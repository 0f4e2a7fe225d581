package testtrust

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"

	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
)

// Services answers as Fulcio and Rekor (version 1) do to those who sign: a
// certificate for whoever shows token, and an entry for whatever is logged, at
// [Time].
func (s *Sigstore) Services(token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "not this token: "+r.Header.Get("Authorization"), http.StatusUnauthorized)
			return
		}
		s.serveCertificate(w, r)
	})
	mux.HandleFunc("POST /api/v1/log/entries", s.serveEntry)
	return mux
}

func (s *Sigstore) serveCertificate(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		PublicKeyRequest struct {
			PublicKey         struct{ Content string }
			ProofOfPossession []byte
		}
	}
	err := json.NewDecoder(r.Body).Decode(&ask)
	block, _ := pem.Decode([]byte(ask.PublicKeyRequest.PublicKey.Content))
	if err != nil || block == nil || len(ask.PublicKeyRequest.ProofOfPossession) == 0 {
		http.Error(w, "no key, or no proof of it", http.StatusBadRequest)
		return
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var chain []string
	for _, c := range []*x509.Certificate{s.Issue(Holder{}, public), s.issuer, s.rootCert} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}})
}

func (s *Sigstore) serveEntry(w http.ResponseWriter, r *http.Request) {
	proposed, err := models.UnmarshalProposedEntry(r.Body, consumer{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx := context.WithoutCancel(r.Context())
	entry, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := types.CanonicalizeEntry(ctx, entry)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e := s.Promise(Entry{Body: body, At: Time, LogID: keyID(s.t, s.logKey.Public())})
	uuid := strings.Repeat("0", 16) + hex.EncodeToString(e.RootHash)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", uuid)
	w.Header().Set("Location", "/api/v1/log/entries/"+uuid)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{uuid: map[string]any{
		"body": base64.StdEncoding.EncodeToString(e.Body), "integratedTime": e.At.Unix(), "logIndex": e.Index, "logID": hex.EncodeToString(e.LogID),
		"verification": map[string]any{
			"signedEntryTimestamp": e.Promise,
			"inclusionProof": map[string]any{
				"logIndex": e.Index, "rootHash": hex.EncodeToString(e.RootHash), "treeSize": 1, "hashes": []string{}, "checkpoint": e.Checkpoint,
			},
		},
	}})
}

// A consumer reads JSON for the log's generated models.
type consumer struct{}

// Consume implements their interface.
func (consumer) Consume(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }
