package sourcetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// LayoutFiles returns c as the files of an OCI layout; tags are its names, and
// manifests that nothing in it lists are entries without one.
func (c *Contents) LayoutFiles() ([]testimage.NamedFile, error) {
	type descriptor struct {
		MediaType   string            `json:"mediaType"`
		Digest      ref.Digest        `json:"digest"`
		Size        int64             `json:"size"`
		Annotations map[string]string `json:"annotations,omitempty"`
	}
	var index struct {
		SchemaVersion int          `json:"schemaVersion"`
		Manifests     []descriptor `json:"manifests"`
	}
	index.SchemaVersion = 2
	listed := map[ref.Digest]bool{}
	add := func(d ref.Descriptor, tag string) {
		e := descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
		if tag != "" {
			e.Annotations = map[string]string{testimage.AnnotationRefName: tag}
		}
		listed[d.Digest] = true
		index.Manifests = append(index.Manifests, e)
	}
	for _, tag := range slices.Sorted(maps.Keys(c.Tags)) {
		add(c.Tags[tag].Descriptor, tag)
		var children struct{ Manifests []descriptor }
		if err := json.Unmarshal(c.Tags[tag].Body, &children); err != nil {
			return nil, err
		}
		for _, d := range children.Manifests {
			listed[d.Digest] = true
		}
	}
	var files []testimage.NamedFile
	for _, m := range []map[ref.Digest]testimage.Object{c.Blobs, c.Manifests} {
		for _, d := range slices.Sorted(maps.Keys(m)) {
			files = append(files, testimage.NamedFile{Name: "blobs/" + d.Algorithm() + "/" + d.Hex(), Body: m[d].Body})
		}
	}
	for _, d := range slices.Sorted(maps.Keys(c.Manifests)) {
		if !listed[d] {
			add(c.Manifests[d].Descriptor, "")
		}
	}
	b, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	return append([]testimage.NamedFile{
		{Name: "oci-layout", Body: []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {Name: "index.json", Body: b}}, files...), nil
}

// ServeHTTP serves c as a registry does that checks nothing: what is stored
// under a digest comes out, right or wrong. The repository is the last two
// elements of c.Name.
func (c *Contents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
	if r.URL.Path == "/v2/" {
		return
	}
	if len(parts) < 3 || strings.Join(parts[:len(parts)-2], "/") != repositoryOf(c.Name) {
		notFound(w, "NAME_UNKNOWN")
		return
	}
	what, which := parts[len(parts)-2], parts[len(parts)-1]
	var o testimage.Object
	var ok bool
	switch what {
	case "manifests":
		if o, ok = c.Tags[which]; ok {
			which = string(o.Descriptor.Digest)
		}
		o, ok = c.Manifests[ref.Digest(which)]
		w.Header().Set("Content-Type", o.Descriptor.MediaType)
	case "blobs":
		o, ok = c.Blobs[ref.Digest(which)]
		w.Header().Set("Content-Type", "application/octet-stream")
	case "referrers":
		c.serveReferrers(w, ref.Digest(which))
		return
	}
	if !ok {
		notFound(w, "NOT_FOUND")
		return
	}
	w.Header().Set("Docker-Content-Digest", which)
	w.Header().Set("Content-Length", strconv.Itoa(len(o.Body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(o.Body)
	}
}

func (c *Contents) serveReferrers(w http.ResponseWriter, subject ref.Digest) {
	found := []ref.Descriptor{}
	for _, d := range slices.Sorted(maps.Keys(c.Manifests)) {
		var m struct {
			ArtifactType string
			Subject      struct{ Digest ref.Digest }
		}
		if json.Unmarshal(c.Manifests[d].Body, &m) == nil && m.Subject.Digest == subject {
			e := c.Manifests[d].Descriptor
			e.ArtifactType = m.ArtifactType
			found = append(found, e)
		}
	}
	w.Header().Set("Content-Type", testimage.TypeIndex)
	_ = json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "mediaType": testimage.TypeIndex, "manifests": found})
}

func notFound(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"code": code}}})
}

func repositoryOf(name string) string { return ref.Ref{Name: name}.Repository() }
