package release

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

var created = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

// program is an ELF header, with the headers of segments of types.
func program(t *testing.T, machine uint16, types ...uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	for _, v := range []any{uint16(2), machine, uint32(1), uint64(0x400000), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(len(types)), uint16(64), uint16(0), uint16(0)} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range types {
		segment := make([]byte, 56)
		binary.LittleEndian.PutUint32(segment, kind)
		b.Write(segment)
	}
	return b.Bytes()
}

const (
	amd64 = 62
	arm64 = 183
)

// root is a certificate, the same each time.
func root(t *testing.T) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: created, NotAfter: created.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func example(t *testing.T) Image {
	t.Helper()
	return Image{
		Programs: map[string]io.ReaderAt{
			"amd64": bytes.NewReader(program(t, amd64)),
			"arm64": bytes.NewReader(program(t, arm64)),
		},
		Certificates: append([]byte("# what it is\n"), root(t)...),
		Version:      "1.2.3", Revision: "abc", Source: "https://github.com/intact-dev/intact", Created: created,
	}
}

func build(t *testing.T, i Image) v1.ImageIndex {
	t.Helper()
	index, err := i.Index()
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSameInputMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	one, two := filepath.Join(t.TempDir(), "a", "one"), filepath.Join(t.TempDir(), "two")
	first, err := Write(one, "1.2.3", build(t, example(t)))
	if err != nil {
		t.Fatal(err)
	}
	again := example(t)
	again.Created = created.In(time.FixedZone("elsewhere", 3600))
	second, err := Write(two, "1.2.3", build(t, again))
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("%s, then %s", first, second)
	}
	if diff := cmp.Diff(contents(t, one), contents(t, two)); diff != "" {
		t.Error(diff)
	}
	other := example(t)
	other.Created = created.Add(time.Second)
	if third, _ := build(t, other).Digest(); third == first {
		t.Error("another time makes the same image")
	}
	index, err := layout.ImageIndexFromPath(one)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

type entry struct {
	Name     string
	Mode     int64
	UID, GID int
	At       time.Time
}

func TestNobodyMayWrite(t *testing.T) {
	t.Parallel()
	index := build(t, example(t))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		var got []entry
		for _, l := range layers {
			got = append(got, entries(t, l)...)
		}
		want := []entry{}
		for _, w := range []entry{{Name: "etc/", Mode: 0o555}, {Name: "etc/group", Mode: 0o444}, {Name: "etc/passwd", Mode: 0o444}, {Name: "etc/ssl/", Mode: 0o555},
			{Name: "etc/ssl/certs/", Mode: 0o555}, {Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o444}, {Name: "intact", Mode: 0o555}} {
			w.At = created
			want = append(want, w)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Config.User != "65532:65532" || !cmp.Equal(config.Config.Entrypoint, []string{"/intact"}) || config.Architecture != m.Platform.Architecture ||
			!config.Created.Equal(created) || config.Config.Labels["org.opencontainers.image.revision"] != "abc" || len(config.History) != 2 {
			t.Errorf("config %+v", config)
		}
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Error(diff)
	}
}

func entries(t *testing.T, l v1.Layer) (out []entry) {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.UTC()})
	}
}

func TestWhatWouldNotRunIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Image)
		want   string
	}{
		"programs swapped":     {func(i *Image) { i.Programs["amd64"] = i.Programs["arm64"] }, "linux/amd64: the program is of another architecture: EM_AARCH64"},
		"linked dynamically":   {func(i *Image) { i.Programs["amd64"] = bytes.NewReader(program(t, amd64, 3)) }, "CGO_ENABLED=0"},
		"no program":           {func(i *Image) { i.Programs["amd64"] = strings.NewReader("#!/bin/sh\n") }, "no ELF file"},
		"none at all":          {func(i *Image) { i.Programs = nil }, "there is no program"},
		"another architecture": {func(i *Image) { i.Programs["mips"] = i.Programs["amd64"] }, `architecture "mips"`},
		"no certificate":       {func(i *Image) { i.Certificates = []byte("# none\n") }, "there is none"},
		"a broken certificate": {func(i *Image) {
			i.Certificates = append(i.Certificates, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...)
		}, "certificate 2"},
		"a key beside the roots": {func(i *Image) {
			i.Certificates = append(i.Certificates, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"...)
		}, `type "PRIVATE KEY"`},
	}
	for name, tt := range tests {
		i := example(t)
		tt.change(&i)
		if _, err := i.Index(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, b := range map[string][]byte{"amd64": program(t, amd64), "roots": root(t)} {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := []string{"--amd64", at("amd64"), "--certificates", at("roots"), "--version", "1.2.3", "--output", at("image")}
	tests := []struct {
		date string
		args []string
		want string
	}{
		{"", good, "git log -1"},
		{"-1", good, "git log -1"},
		{"1", good[2:], "there is no program"},
		{"1", good[:6], "expected --version"},
		{"1", append([]string{"--arm64", at("gone")}, good...), "program for arm64"},
		{"1", good, ""},
		{"1", good, "file exists"}, // no layout holds two
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := Run(tt.args, func(string) string { return tt.date }, &out, io.Discard)
		switch {
		case tt.want == "" && (err != nil || !strings.HasPrefix(out.String(), "sha256:")):
			t.Errorf("%q: %q, %v", tt.args, out.String(), err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q, %q: %v, want %q", tt.date, tt.args, err, tt.want)
		}
	}
}
