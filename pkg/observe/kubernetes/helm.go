package kubernetes

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/intact-dev/intact/pkg/internal/kube"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// helmType is the type of Secrets in which Helm 3 and 4 keep releases.
const helmType = "helm.sh/release.v1"

// A release is what is read of one revision of a release.
type release struct {
	images []observe.RevisionContainer
	// unsure names places of custom resources that may hold images and could not be
	// understood.
	unsure []string
}

// decodeRelease reads what Helm stores: JSON, packed, in base64.
//
// https://github.com/helm/helm/blob/v4.3.1/pkg/storage/driver/util.go
func decodeRelease(data []byte) (release, error) {
	raw, err := unpack(data)
	if err != nil {
		return release{}, fmt.Errorf("unpack release: %w", err)
	}
	var doc struct {
		Manifest string `json:"manifest"`
		Hooks    []struct {
			Manifest string   `json:"manifest"`
			Events   []string `json:"events"`
		} `json:"hooks"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return release{}, fmt.Errorf("parse release: %w", err)
	}
	var r release
	if err := r.add(doc.Manifest); err != nil {
		return release{}, fmt.Errorf("its manifest: %w", err)
	}
	for i, h := range doc.Hooks {
		if !slices.ContainsFunc(h.Events, func(e string) bool { return strings.HasSuffix(e, "-rollback") }) {
			continue // it does not run when Helm goes back to this revision
		}
		if err := r.add(h.Manifest); err != nil {
			return release{}, fmt.Errorf("its hook %d: %w", i, err)
		}
	}
	return r, nil
}

func unpack(data []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.AppendDecode(nil, data)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b, 0x08}) { // the earliest releases were not packed
		return raw, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, limits.HelmRelease+1))
	if err != nil {
		return nil, err
	}
	if len(out) > limits.HelmRelease {
		return nil, &limits.ExceededError{What: "an unpacked Helm release", Limit: limits.HelmRelease}
	}
	return out, nil
}

// add adds the images of a manifest, which is a stream of YAML documents.
func (r *release) add(manifest string) error {
	docs := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifest)))
	for n := 1; ; n++ {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
		asJSON, err := yaml.YAMLToJSON(doc)
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
		if bytes.Equal(asJSON, []byte("null")) {
			continue // comments only
		}
		objects, err := kube.Parse(asJSON)
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
		for _, o := range objects {
			r.object(o)
		}
	}
}

func (r *release) object(o kube.Object) {
	name := func(s string) string { return fmt.Sprintf("%s %s [%s]", o.Kind, o.Name, s) }
	if o.Spec != nil {
		for _, i := range kube.Images(nil, o.Spec, o.At) {
			r.images = append(r.images, observe.RevisionContainer{Name: name(i.Name), Role: i.Role, Image: i.Image})
		}
		return
	}
	for _, i := range o.Found {
		r.images = append(r.images, observe.RevisionContainer{Name: name(i.Path), Image: i.Image})
	}
	for _, path := range o.Unsure {
		r.unsure = append(r.unsure, name(path))
	}
}
