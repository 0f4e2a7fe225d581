package resource

import "github.com/intact-dev/intact/pkg/extract/internal/written"

// A Joiner puts a text together of known parts and others. The zero value is
// ready.
type Joiner struct {
	b     written.Builder
	n     int
	holes []Hole
	at    Place
	set   bool
}

// Add appends a part. Of one that is not known its text stands for it.
func (j *Joiner) Add(v *Value) {
	if v == nil {
		return
	}
	if !j.set {
		j.at, j.set = v.At, true
	}
	start := j.n
	for _, h := range v.Holes {
		j.holes = append(j.holes, Hole{start + h.Start, start + h.End, h.Why})
	}
	j.b.Add(v.Text)
	j.n += v.Text.Len()
	if v.Kind == Unknown {
		if j.n == start { // nothing is written there: a hole needs a place
			j.Literal("?")
		}
		j.holes = append(j.holes, Hole{start, j.n, v.Why})
	}
}

// Literal appends what stands in no file.
func (j *Joiner) Literal(s string) { j.b.Add(written.Made(s)); j.n += len(s) }

// Len returns how long it is.
func (j *Joiner) Len() int { return j.n }

// Value returns the whole at a place.
func (j *Joiner) Value(at Place) *Value {
	v := &Value{Kind: Scalar, Text: j.b.Text(), Holes: j.holes, At: at}
	if len(j.holes) == 1 && j.holes[0].Start == 0 && j.holes[0].End == j.n {
		v.Kind, v.Why, v.Holes = Unknown, j.holes[0].Why, nil
	}
	return v
}

// joined is the image of a chart's value: registry, repository, tag and digest.
func joined(v *Value) *Value {
	var j Joiner
	if registry := v.Get("registry"); registry.there() && registry.Text.Len() > 0 {
		j.Add(registry)
		j.Literal("/")
	}
	repository := v.Get("repository")
	j.Add(repository)
	if tag := v.Get("tag"); tag.there() && tag.Text.Len() > 0 {
		j.Literal(":")
		j.Add(tag)
	}
	if digest := v.Get("digest"); digest.there() && digest.Text.Len() > 0 {
		j.Literal("@")
		j.Add(digest)
	}
	out := j.Value(repository.At)
	out.Ignored = repository.Ignored
	return out
}
