package image

import (
	"errors"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/strictjson"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Manifest is a parsed image manifest or index. Its descriptors are claims.
type Manifest struct {
	MediaType    string
	ArtifactType string
	Config       *ref.Descriptor // nil in an index
	Layers       []ref.Descriptor
	Manifests    []ref.Descriptor // nil in a manifest
	Subject      *ref.Descriptor
	Annotations  map[string]string
}

// ParseManifest reads a manifest or index strictly. Problems say what is wrong
// with the document; if it has no usable reading the class is "" and the
// manifest is nil. Ambiguous documents are still parsed, so that the report can
// say what they seem to be.
func ParseManifest(raw []byte) (*Manifest, fact.Class, []fact.Problem) {
	v, ambiguities, err := strictjson.Parse(raw, limits.JSONDepth)
	if err != nil {
		return nil, "", []fact.Problem{{Kind: fact.ProblemUnverifiable, Detail: "the manifest cannot be read: " + err.Error()}}
	}
	problems := ambiguityProblems(ambiguities)
	o, ok := v.(*strictjson.Object)
	if !ok {
		return nil, "", append(problems, fact.Problem{Kind: fact.ProblemUnverifiable, Detail: "the manifest is no JSON object"})
	}
	p := &manifestParser{}
	m := p.manifest(o)
	problems = append(problems, p.problems...)
	if m == nil {
		return nil, "", problems
	}
	class := classOf(m)
	if m.isIndex() {
		class = fact.ClassIndex
	}
	for _, f := range p.r.CaseVariants {
		problems = append(problems, fact.Problem{Kind: fact.ProblemAmbiguous, Detail: f})
	}
	for _, f := range p.r.Faults {
		problems = append(problems, fact.Problem{Kind: fact.ProblemUnverifiable, Detail: f})
	}
	return m, class, problems
}

func ambiguityProblems(as []strictjson.Ambiguity) []fact.Problem {
	var out []fact.Problem
	for _, a := range as {
		kind := fact.ProblemAmbiguous
		if a.Trailing {
			kind = fact.ProblemTrailing
		}
		detail := a.Detail
		if a.Path != "" {
			detail = fmt.Sprintf("at %q: %s", a.Path, a.Detail)
		}
		out = append(out, fact.Problem{Kind: kind, Detail: detail})
	}
	return out
}

type manifestParser struct {
	r        strictjson.Reader
	problems []fact.Problem
}

func (p *manifestParser) problem(kind fact.ProblemKind, format string, args ...any) {
	p.problems = append(p.problems, fact.Problem{Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

func (p *manifestParser) manifest(o *strictjson.Object) *Manifest {
	version, _ := p.r.Int(o, "", "schemaVersion")
	if version != 1 && version != 2 {
		p.problem(fact.ProblemUnverifiable, "the schemaVersion is %d, not 2", version)
	}
	hasLayers := p.r.Has(o, "layers") || p.r.Has(o, "config")
	hasManifests := p.r.Has(o, "manifests")
	hasSchema1 := p.r.Has(o, "fsLayers")
	m := &Manifest{
		MediaType:    p.r.String(o, "", "mediaType"),
		ArtifactType: p.r.String(o, "", "artifactType"),
		Annotations:  p.r.StringMap(o, "", "annotations"),
	}
	switch {
	case hasSchema1 && (hasLayers || hasManifests):
		// CVE-2021-41190: one byte string with two meanings under one digest.
		p.problem(fact.ProblemAmbiguous, "the document is a schema 1 manifest and something else at once")
	case version == 1 || hasSchema1 || isSchema1Type(m.MediaType):
		p.problem(fact.ProblemUnverifiable, "a schema 1 manifest cannot be verified: its digest does not cover all of its bytes")
		return nil
	}
	if hasLayers && hasManifests {
		p.problem(fact.ProblemAmbiguous, "the document is a manifest and an index at once")
	}
	switch {
	case isIndexType(m.MediaType), hasManifests && !isManifestType(m.MediaType):
		if hasLayers && !hasManifests {
			p.problem(fact.ProblemAmbiguous, "the media type says index, the content is a manifest")
		}
		m.Manifests = p.descriptors(o, "manifests")
		if m.Manifests == nil {
			m.Manifests = []ref.Descriptor{}
		}
		if len(m.Manifests) > limits.IndexChildren {
			return m // the caller reports the limit
		}
	case hasLayers || isManifestType(m.MediaType):
		if hasManifests && !hasLayers {
			p.problem(fact.ProblemAmbiguous, "the media type says manifest, the content is an index")
		}
		if c := p.r.Object(o, "", "config"); c != nil {
			d := p.descriptor(c, "config")
			m.Config = &d
		} else {
			p.problem(fact.ProblemUnverifiable, "the manifest has no config")
		}
		m.Layers = p.descriptors(o, "layers")
	default:
		p.problem(fact.ProblemUnverifiable, "the document is neither a manifest nor an index")
		return nil
	}
	if s := p.r.Object(o, "", "subject"); s != nil {
		d := p.descriptor(s, "subject")
		m.Subject = &d
	}
	return m
}

func (p *manifestParser) descriptors(o *strictjson.Object, key string) []ref.Descriptor {
	values := p.r.Array(o, "", key)
	var out []ref.Descriptor
	seen := map[ref.Digest]ref.Descriptor{}
	for i, v := range values {
		path := fmt.Sprintf("%s[%d]", key, i)
		c, ok := v.(*strictjson.Object)
		if !ok {
			p.problem(fact.ProblemUnverifiable, "%s is no descriptor", path)
			out = append(out, ref.Descriptor{})
			continue
		}
		d := p.descriptor(c, path)
		if other, twice := seen[d.Digest]; twice && d.Digest != "" && (other.Size != d.Size || other.MediaType != d.MediaType) {
			p.problem(fact.ProblemSize, "%s: %s is listed twice with different sizes or media types", path, d.Digest)
		}
		seen[d.Digest] = d
		out = append(out, d)
	}
	return out
}

// descriptor reads one descriptor. Digest is "" if it is missing, malformed or
// of an algorithm that cannot be computed; the problem says which.
func (p *manifestParser) descriptor(o *strictjson.Object, path string) ref.Descriptor {
	d := ref.Descriptor{
		MediaType:    p.r.String(o, path, "mediaType"),
		ArtifactType: p.r.String(o, path, "artifactType"),
		Annotations:  p.r.StringMap(o, path, "annotations"),
		URLs:         p.r.Strings(o, path, "urls"),
	}
	if d.MediaType == "" && p.r.Has(o, "digest") {
		// Without it each client guesses, and nothing says what the size is of.
		p.problem(fact.ProblemMediaType, "%s has no media type", path)
	}
	if s := p.r.String(o, path, "digest"); s == "" {
		p.problem(fact.ProblemUnverifiable, "%s has no digest", path)
	} else if parsed, err := ref.ParseDigest(s); errors.Is(err, ref.ErrUnsupportedAlgorithm) {
		p.problem(fact.ProblemUnverifiable, "%s: %v", path, err)
	} else if err != nil {
		p.problem(fact.ProblemUnverifiable, "%s: not a digest: %.100q", path, s)
	} else {
		d.Digest = parsed
	}
	// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#properties
	size, ok := p.r.Int(o, path, "size")
	if !ok {
		p.problem(fact.ProblemSize, "%s has no size", path)
		size = -1
	} else if size < 0 {
		p.problem(fact.ProblemSize, "%s: the size is %d", path, size)
	}
	d.Size = size
	if pl := p.r.Object(o, path, "platform"); pl != nil {
		d.Platform = &ref.Platform{
			OS: p.r.String(pl, path, "os"), Architecture: p.r.String(pl, path, "architecture"),
			Variant: p.r.String(pl, path, "variant"), OSVersion: p.r.String(pl, path, "os.version"),
		}
	}
	if data := p.r.String(o, path, "data"); data != "" {
		p.embedded(&d, path, data)
	}
	return d
}

func (m *Manifest) isIndex() bool { return m.Manifests != nil }

// holdsStatements reports whether all that m holds is in-toto statements.
func holdsStatements(m *Manifest) bool {
	for _, l := range m.Layers {
		if l.MediaType != typeInToto && l.MediaType != typeDSSE {
			return false
		}
	}
	return len(m.Layers) > 0
}

// classOf tells images from attestations and other artifacts by what a runtime
// would do: it unpacks a manifest whose config is an image config and whose
// layers are tar.
func classOf(m *Manifest) fact.Class {
	switch {
	case m.Config != nil && isImageConfigType(m.Config.MediaType):
		// Whatever its layers are called, a runtime takes it for an image. What
		// cannot be read of it is a finding (DIG008), not a reason to look away.
		return fact.ClassImage
	case holdsStatements(m):
		return fact.ClassAttestation
	case m.Config == nil || !isConfigType(m.Config.MediaType):
		return fact.ClassArtifact
	case len(m.Layers) == 0:
		return fact.ClassImage
	}
	for _, l := range m.Layers {
		// A missing or odd media type on a layer under an image config is a defect to
		// report, not a reason to look away.
		if mayBeLayer(l.MediaType) {
			return fact.ClassImage
		}
	}
	return fact.ClassArtifact
}
