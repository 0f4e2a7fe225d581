package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/strictjson"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	versionFile = "oci-layout"
	indexFile   = "index.json"
	versionMax  = 4 << 10 // the file holds one version number
)

// readVersion checks the oci-layout file. Its version is a promise about the
// other files, so an unknown one cannot be read.
func (l *Layout) readVersion(ctx context.Context) error {
	b, err := l.read(ctx, versionFile, "size of "+versionFile, versionMax)
	if errors.Is(err, fs.ErrNotExist) {
		return l.noLayout(ctx, err)
	}
	if err != nil {
		return l.fail("open", versionFile, err)
	}
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return l.fail("open", versionFile, malformed("%v", err))
	}
	if v.Version != "1.0.0" {
		return l.fail("open", versionFile, malformed("imageLayoutVersion is %q, not 1.0.0", v.Version))
	}
	return nil
}

// noLayout says what is missing: most often the path is one folder too high or
// too low.
func (l *Layout) noLayout(ctx context.Context, cause error) error {
	e := &image.Error{Op: "open", Object: l.where, Cause: causeOf(cause),
		Err:  fmt.Errorf("no OCI image layout: it has no %s file: %w", versionFile, fs.ErrNotExist),
		Hint: "name the folder that holds " + versionFile + " and " + indexFile}
	if _, err := l.files.Size(ctx, indexFile); err == nil {
		e.Hint = indexFile + " is there; the layout was written without its " + versionFile + " file"
	}
	return e
}

// readIndex reads index.json. It is found by name, not by digest, so a document
// with two readings is refused here: nothing later could notice.
func (l *Layout) readIndex(ctx context.Context) error {
	b, err := l.read(ctx, indexFile, "size of "+indexFile, limits.Manifest)
	if err != nil {
		return l.fail("open", indexFile, err)
	}
	l.entries, err = parseIndex(b)
	if err != nil {
		return l.fail("open", indexFile, err)
	}
	return nil
}

func parseIndex(b []byte) ([]ref.Descriptor, error) {
	v, ambiguities, err := strictjson.Parse(b, limits.JSONDepth)
	if err != nil {
		return nil, malformed("%v", err)
	}
	if len(ambiguities) > 0 {
		return nil, malformed("%s", ambiguities[0].Detail)
	}
	if o, ok := v.(*strictjson.Object); !ok {
		return nil, malformed("not a JSON object")
	} else if _, ok := o.Members["manifests"]; !ok {
		return nil, malformed("it has no %q", "manifests")
	}
	var doc struct {
		Manifests []ref.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, malformed("%v", err)
	}
	if n := len(doc.Manifests); n > limits.LayoutManifests {
		return nil, &limits.ExceededError{What: "number of entries", Limit: limits.LayoutManifests, Got: int64(n)}
	}
	for i, d := range doc.Manifests {
		if _, err := ref.ParseDigest(string(d.Digest)); err != nil {
			return nil, malformed("manifests[%d]: %v", i, err)
		}
	}
	return doc.Manifests, nil
}
