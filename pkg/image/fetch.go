package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Fetched is a manifest or index whose bytes were received in full, right or
// wrong.
type Fetched struct {
	Raw      []byte
	Doc      fact.Document
	Manifest *Manifest // nil if the bytes are wrong or have no usable reading

	ambiguous bool // the bytes have several readings
}

// Right reports whether the bytes hash to what was wanted (for a tag's answer:
// whether they could be hashed at all) and parse.
//
// A document with two readings is not right either: what one reader finds below
// it another does not.
func (f *Fetched) Right() bool {
	return f.Manifest != nil && !f.ambiguous && (f.Doc.Wanted.Digest == "" || f.Doc.Wanted.Digest == f.Doc.Digest)
}

func ambiguous(ps []fact.Problem) bool {
	return slices.ContainsFunc(ps, func(p fact.Problem) bool { return p.Kind == fact.ProblemAmbiguous && !p.Note })
}

// FetchManifest gets the manifest that r names and hashes it. wanted is the
// descriptor that pointed here; its zero value for what the user named. The
// error means that the bytes were not obtained.
func FetchManifest(ctx context.Context, src Source, r ref.Ref, wanted ref.Descriptor) (*Fetched, error) {
	if wanted.Digest == "" {
		wanted.Digest = r.Digest
	}
	if wanted.Size > limits.Manifest {
		return nil, &Error{Op: "get manifest", Object: quoted(r), Cause: fact.Limit,
			Err: &limits.ExceededError{What: "manifest size", Limit: limits.Manifest, Got: wanted.Size}}
	}
	a, err := src.Manifest(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(a.Body) > limits.Manifest {
		return nil, &Error{Op: "get manifest", Object: quoted(r), Cause: fact.Limit,
			Err: &limits.ExceededError{What: "manifest size", Limit: limits.Manifest}}
	}
	if wanted.Digest == "" {
		// A source whose own index says what a name stands for is held to it: only a
		// registry's answer about a tag is all that there is to go by.
		wanted = a.Wanted
	}
	return examine(a, wanted), nil
}

// examine hashes and parses a received manifest. Nothing of wrong bytes is
// parsed further: what they say is worth nothing.
func examine(a *Answer, wanted ref.Descriptor) *Fetched {
	f := &Fetched{Raw: a.Body, Doc: fact.Document{
		Role: "manifest", Wanted: wanted, Digest: ref.DigestOf(a.Body, wanted.Digest),
		Size: int64(len(a.Body)), HeaderType: baseType(a.MediaType), HeaderClaim: a.DigestClaim,
	}}
	if wanted.Digest != "" && wanted.Digest != f.Doc.Digest {
		return f
	}
	m, class, problems := ParseManifest(a.Body)
	f.Manifest, f.Doc.Class = m, class
	f.Doc.Problems, f.ambiguous = problems, ambiguous(problems)
	if m != nil {
		f.Doc.MediaType = m.MediaType
		f.Doc.Role = roleOf(class)
		f.Doc.Problems = append(f.Doc.Problems, typeProblems(&f.Doc, m)...)
	}
	return f
}

func roleOf(c fact.Class) string {
	switch c {
	case fact.ClassIndex, fact.ClassAttestation, fact.ClassArtifact:
		return string(c)
	}
	return "manifest"
}

// typeProblems compares what the document is with what the header and the
// descriptor say. A client that believes either reads the bytes differently.
func typeProblems(d *fact.Document, m *Manifest) []fact.Problem {
	var out []fact.Problem
	say := func(who, t string) {
		switch {
		case t == "":
			return
		case isIndexType(t) != m.isIndex():
			out = append(out, fact.Problem{Kind: fact.ProblemMediaType,
				Detail: fmt.Sprintf("the %s says %q, the document is an %s", who, t, map[bool]string{true: "index", false: "image manifest"}[m.isIndex()])})
		case m.MediaType != "" && t != m.MediaType:
			out = append(out, fact.Problem{Kind: fact.ProblemMediaType,
				Detail: fmt.Sprintf("the %s says %q, the document says %q", who, t, m.MediaType)})
		}
	}
	say("Content-Type", d.HeaderType)
	say("descriptor", d.Wanted.MediaType)
	return out
}

// FetchBlob gets a small blob whole, at most limit bytes, and hashes it. It
// returns what came, right or wrong, with its digest in d's algorithm; the
// error means that the bytes were not obtained. what names the blob in errors.
func FetchBlob(ctx context.Context, src Source, r ref.Ref, d ref.Descriptor, limit int64, what string) ([]byte, ref.Digest, error) {
	if err := checkBlob(d, limit, what); err != nil {
		return nil, "", err
	}
	rc, err := src.Blob(ctx, r, d)
	if err != nil {
		return nil, "", err
	}
	// One byte more than announced shows that there is more, and is enough to be
	// wrong: an endless body is not followed.
	b, err := io.ReadAll(io.LimitReader(rc, d.Size+1))
	if closeErr := rc.Close(); err == nil && int64(len(b)) <= d.Size {
		err = closeErr
	}
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return nil, "", err
		}
		return nil, "", &Error{Op: "get " + what, Object: quoted(r) + " " + string(d.Digest), Cause: CauseOf(err), Err: err}
	}
	return b, ref.DigestOf(b, d.Digest), nil
}

func checkBlob(d ref.Descriptor, limit int64, what string) error {
	switch {
	case d.Digest == "":
		return &Error{Op: "get " + what, Cause: fact.Dependency, Err: errors.New("its descriptor has no usable digest")}
	case d.Size < 0:
		return &Error{Op: "get " + what, Object: string(d.Digest), Cause: fact.Dependency, Err: fmt.Errorf("its descriptor gives the size %d", d.Size)}
	case d.Size > limit:
		return &Error{Op: "get " + what, Object: string(d.Digest), Cause: fact.Limit,
			Err: &limits.ExceededError{What: what + " size", Limit: limit, Got: d.Size}}
	}
	return nil
}

func quoted(r ref.Ref) string { return fmt.Sprintf("%q", r.String()) }
