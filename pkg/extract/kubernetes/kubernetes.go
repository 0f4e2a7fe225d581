// Package kubernetes reads the objects of Kubernetes that files hold.
package kubernetes

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A CRD is a custom resource that names images beside those that are known.
type CRD = kube.CRD

// An Extractor reads YAML and JSON that holds objects: one or many, lists, those
// of custom resources that are known, and pods wherever their specification lies.
// The zero value is ready for use.
type Extractor struct {
	// CRDs are further custom resources, and where they name images.
	CRDs []CRD
}

// Match implements [extract.Extractor]. A file of another name has to begin like
// an object.
func (e Extractor) Match(p string, head []byte) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml", ".json":
	default:
		return begins(head)
	}
	if yamlpos.UTF16(head) {
		return true
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	return len(head) == extract.HeadSize || bytes.Contains(head, apiVersion) || escaped(head)
}

var apiVersion, containers = []byte("apiVersion"), []byte("containers")

// unclosed reports whether JSON ends before it is closed, so that it is parsed to
// say so.
func unclosed(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && text[0] == '{' && text[len(text)-1] != '}'
}

// begins reports whether the first line with content is one of an object's.
func begins(head []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == '%' || bytes.HasPrefix(line, []byte("---")) {
			continue
		}
		if line[0] == '{' { // kubectl writes a field on each line
			return bytes.Contains(head, []byte(`"apiVersion":`))
		}
		return bytes.HasPrefix(line, []byte("apiVersion:")) || bytes.HasPrefix(line, []byte("kind: "))
	}
	return false
}

// Extract implements [extract.Extractor].
func (e Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	r := &kube.Reader{CRDs: e.CRDs}
	images, problems, err := r.Read(p, data, e.wants)
	if err != nil {
		return extract.Result{}, fmt.Errorf("read %q: %w", p, err)
	}
	return extract.Result{Found: kube.Found(images), Problems: problems}, nil
}

// words are in every document that names images: the fields that hold them, and
// kinds that have them in fields of other names. A template that is not rendered
// has none of them for sure.
var words = [][]byte{
	[]byte("mage"), []byte("{{"), []byte("HelmRelease"), []byte("OCIRepository"), []byte("repoURL"),
	[]byte("package"), []byte("bundle"), []byte("monitoring.coreos.com"), []byte("helm.cattle.io"),
}

// escaped reports whether letters may be written by their numbers, so that a word
// can be there and not be found.
func escaped(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return false
		}
		if bytes.IndexByte([]byte("xuU\r\n"), text[i+1]) >= 0 {
			return true
		}
		text = text[i+2:]
	}
}

// wants reports whether a document can name an image, so that it is parsed.
func (e Extractor) wants(text []byte) bool {
	if escaped(text) {
		return true
	}
	if !bytes.Contains(text, apiVersion) {
		// A part that was cut off by a stray ---, or what is no YAML at all.
		return bytes.Contains(text, containers) || bytes.Contains(text, []byte("image:"))
	}
	return (slices.ContainsFunc(words, func(w []byte) bool { return bytes.Contains(text, w) }) ||
		slices.ContainsFunc(e.CRDs, func(c CRD) bool { return bytes.Contains(text, []byte(c.Kind)) }) || unclosed(text))
}
