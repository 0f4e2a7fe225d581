package testregistry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Pushing goes past the network, the modes and the record.

// PushImage stores img with its layers under tag, "" for its digest alone, and
// returns its digest.
func (s *Server) PushImage(repo, tag string, img v1.Image) (string, error) {
	layers, err := img.Layers()
	if err != nil {
		return "", err
	}
	for _, l := range layers {
		if err := s.pushLayer(repo, l); err != nil {
			return "", err
		}
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return "", err
	}
	if _, err := s.PutBlob(repo, config); err != nil {
		return "", err
	}
	return s.pushManifest(repo, tag, img)
}

// PushIndex stores idx with all its children under tag, "" for its digest alone,
// and returns its digest.
func (s *Server) PushIndex(repo, tag string, idx v1.ImageIndex) (string, error) {
	m, err := idx.IndexManifest()
	if err != nil {
		return "", err
	}
	for _, d := range m.Manifests {
		if d.MediaType.IsIndex() {
			child, err := idx.ImageIndex(d.Digest)
			if err != nil {
				return "", err
			}
			if _, err := s.PushIndex(repo, "", child); err != nil {
				return "", err
			}
			continue
		}
		child, err := idx.Image(d.Digest)
		if err != nil {
			return "", err
		}
		if _, err := s.PushImage(repo, "", child); err != nil {
			return "", err
		}
	}
	return s.pushManifest(repo, tag, idx)
}

type manifest interface {
	partial.WithRawManifest
	MediaType() (types.MediaType, error)
}

func (s *Server) pushManifest(repo, tag string, m manifest) (string, error) {
	body, err := m.RawManifest()
	if err != nil {
		return "", err
	}
	t, err := m.MediaType()
	if err != nil {
		return "", err
	}
	return s.PutManifest(repo, tag, string(t), body)
}

func (s *Server) pushLayer(repo string, l v1.Layer) (err error) {
	r, err := l.Compressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, err = s.PutBlob(repo, b)
	return err
}

// PutManifest stores body under tag, "" for its digest alone, and returns its
// digest.
func (s *Server) PutManifest(repo, tag, mediaType string, body []byte) (string, error) {
	d := digestOf(body)
	for _, name := range []string{d, tag} {
		if name == "" {
			continue
		}
		if err := s.put(http.MethodPut, "/v2/"+repo+"/manifests/"+name, mediaType, body); err != nil {
			return "", err
		}
	}
	return d, nil
}

// Delete deletes a tag, or a manifest by its digest.
func (s *Server) Delete(repo, tag string) error {
	return s.put(http.MethodDelete, "/v2/"+repo+"/manifests/"+tag, "", nil)
}

// PutBlob stores body and returns its digest.
func (s *Server) PutBlob(repo string, body []byte) (string, error) {
	d := digestOf(body)
	return d, s.put(http.MethodPost, "/v2/"+repo+"/blobs/uploads/?digest="+d, "application/octet-stream", body)
}

func (s *Server) put(method, path, mediaType string, body []byte) error {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	s.honest.ServeHTTP(w, r)
	if w.Code >= 300 {
		return fmt.Errorf("%s %s at the test registry: %d %s", method, path, w.Code, w.Body)
	}
	return nil
}

func digestOf(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}
