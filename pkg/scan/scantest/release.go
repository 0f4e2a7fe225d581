package scantest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/intact-dev/intact/pkg/internal/release"
	"github.com/rogpeppe/go-internal/testscript"
)

func releaseImage(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "release NAME:VERSION DIR")
	repo, version, _ := strings.Cut(args[0], ":")
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	index, err := release.Image{
		Programs:     map[string]io.ReaderAt{"amd64": program(62), "arm64": program(183)},
		Certificates: root(ts, at), Version: version, Created: at,
	}.Index()
	ts.Check(err)
	digest, err := release.Write(ts.MkAbs(args[1]), version, index)
	ts.Check(err)
	ts.Setenv("DIGEST", digest.String())
	manifest, err := index.IndexManifest()
	ts.Check(err)
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		ts.Check(err)
		pushImage(ts, repo, image)
	}
	raw, err := index.RawManifest()
	ts.Check(err)
	_, err = server(ts).PutManifest(repo, version, string(manifest.MediaType), raw)
	ts.Check(err)
}

func pushImage(ts *testscript.TestScript, repo string, image v1.Image) {
	s := server(ts)
	config, err := image.RawConfigFile()
	ts.Check(err)
	blobs := [][]byte{config}
	layers, err := image.Layers()
	ts.Check(err)
	for _, l := range layers {
		r, err := l.Compressed()
		ts.Check(err)
		b, err := io.ReadAll(r)
		ts.Check(err)
		ts.Check(r.Close())
		blobs = append(blobs, b)
	}
	for _, b := range blobs {
		_, err := s.PutBlob(repo, b)
		ts.Check(err)
	}
	raw, err := image.RawManifest()
	ts.Check(err)
	digest, err := image.Digest()
	ts.Check(err)
	mediaType, err := image.MediaType()
	ts.Check(err)
	_, err = s.PutManifest(repo, digest.String(), string(mediaType), raw)
	ts.Check(err)
}

// program is an ELF executable that does nothing.
func program(machine uint16) io.ReaderAt {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	for at, v := range map[int]uint16{16: 2, 18: machine, 20: 1, 52: 64, 54: 56, 58: 64} {
		binary.LittleEndian.PutUint16(b[at:], v)
	}
	return bytes.NewReader(b)
}

// root is a certificate, the same each time.
func root(ts *testscript.TestScript, at time.Time) []byte {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: at, NotAfter: at.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	ts.Check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
