package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Nobody writes to the image, root included: no mode has a bit for it.
const (
	folderMode  = 0o555
	fileMode    = 0o444
	programMode = 0o555
)

// ground is what programs expect of a system: users, and whom TLS trusts. It is
// the same for all platforms, and mostly for all versions.
func (i Image) ground() (v1.Layer, error) {
	certificates, err := roots(i.Certificates)
	if err != nil {
		return nil, fmt.Errorf("certificates of the image: %w", err)
	}
	passwd := fmt.Sprintf("root:x:0:0:root:/:/sbin/nologin\nintact:x:%d:%d:intact:/:/sbin/nologin\n", ID, ID)
	group := fmt.Sprintf("root:x:0:\nintact:x:%d:\n", ID)
	return i.layer([]file{
		{name: "etc/"},
		{name: "etc/group", mode: fileMode, data: []byte(group)},
		{name: "etc/passwd", mode: fileMode, data: []byte(passwd)},
		{name: "etc/ssl/"},
		{name: "etc/ssl/certs/"},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: fileMode, data: certificates},
	})
}

func (i Image) program(arch string) (v1.Layer, error) {
	data, err := io.ReadAll(io.NewSectionReader(i.Programs[arch], 0, math.MaxInt64))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	if err := runs(bytes.NewReader(data), arch); err != nil {
		return nil, err
	}
	return i.layer([]file{{name: strings.TrimPrefix(Program, "/"), mode: programMode, data: data}})
}

// machines are the architectures that images are built for.
func machine(arch string) (elf.Machine, bool) {
	switch arch {
	case "amd64":
		return elf.EM_X86_64, true
	case "arm64":
		return elf.EM_AARCH64, true
	}
	return 0, false
}

// runs reports why a program would not run from scratch: it is another platform's,
// or needs a loader and libraries.
func runs(r io.ReaderAt, arch string) error {
	want, ok := machine(arch)
	if !ok {
		return fmt.Errorf("architecture %q; there is amd64 and arm64", arch)
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return fmt.Errorf("the program is no ELF file: %w", err)
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != want {
		return fmt.Errorf("the program is of another architecture: %s", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return errors.New("the program is linked dynamically: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// roots are the certificates of a bundle, without what else it says.
func roots(bundle []byte) ([]byte, error) {
	var out bytes.Buffer
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a block of type %q; expected certificates alone", block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("certificate %d: %w", bytes.Count(out.Bytes(), []byte("-----BEGIN"))+1, err)
		}
		if err := pem.Encode(&out, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return nil, err
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("there is none: give a file of PEM, such as /etc/ssl/certs/ca-certificates.crt")
	}
	return out.Bytes(), nil
}

// A file of a layer; a name that ends with a slash is a folder.
type file struct {
	name string
	mode int64
	data []byte
}

// layer writes files in the order given, all root's.
func (i Image) layer(files []file) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: i.Created.UTC().Truncate(time.Second), Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, folderMode
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("write %q to a layer: %w", f.name, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("write %q to a layer: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end a layer: %w", err)
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil },
		tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithMediaType(types.OCILayer))
}
