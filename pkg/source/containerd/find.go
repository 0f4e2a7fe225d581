package containerd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// find looks a name up: as it is written, since any text can be a name there,
// then as clients of containerd complete it.
func (s *Source) find(ctx context.Context, op string, r ref.Ref) (namespace string, target ref.Descriptor, err error) {
	object := fmt.Sprintf("image %q", r.String())
	if r.Name == "" {
		return "", target, &image.Error{Op: op, Object: object, Cause: fact.Unsupported, Err: errors.New("containerd knows no image without a name")}
	}
	for _, name := range names(r) {
		namespace, target, err = s.lookUp(ctx, op, name)
		if err == nil || image.CauseOf(err) != fact.NotFound {
			return namespace, target, err
		}
	}
	return "", target, &image.Error{Op: op, Object: object, Cause: fact.NotFound,
		Err: fmt.Errorf("no image of this name in the namespaces %s%s", quoted(s.namespaces), s.similar(ctx, r))}
}

func names(r ref.Ref) []string {
	tag := r.Tag
	if tag == "" {
		tag = "latest"
	}
	return slices.Compact([]string{ref.Ref{Name: r.Name, Tag: r.Tag}.String(), r.Canonical() + ":" + tag})
}

// lookUp finds one name. In two namespaces it may stand for two images: which is
// meant is not ours to guess.
func (s *Source) lookUp(ctx context.Context, op, name string) (string, ref.Descriptor, error) {
	var where string
	var target ref.Descriptor
	var missing error
	for _, namespace := range s.namespaces {
		found, err := s.client.Image(ctx, namespace, name)
		switch {
		case err != nil && image.CauseOf(err) == fact.NotFound:
			missing = err
		case err != nil:
			return "", target, err
		case found.Target.Digest == "":
			return "", target, &image.Error{Op: op, Object: fmt.Sprintf("image %q of namespace %q", name, namespace), Cause: fact.Unsupported,
				Err: errors.New("what containerd stored for it is no digest that can be verified")}
		case where == "":
			where, target = namespace, found.Target
		case found.Target.Digest != target.Digest:
			return "", target, &image.Error{Op: op, Object: fmt.Sprintf("image %q", name), Cause: fact.Unsupported,
				Err: fmt.Errorf("namespace %q has %s under this name, namespace %q has %s",
					where, target.Digest.Short(), namespace, found.Target.Digest.Short()),
				Hint: fmt.Sprintf("choose one: %s %s, or %s %s", Flag, where, Flag, namespace)}
		}
	}
	if where == "" {
		if missing == nil {
			missing = s.missing(op, fmt.Sprintf("image %q", name))
		}
		return "", target, missing
	}
	return where, target, nil
}

// similar names images of the same repository, for a message. It says nothing if
// it cannot.
func (s *Source) similar(ctx context.Context, r ref.Ref) string {
	const most = 8
	var found []string
	for _, namespace := range s.namespaces {
		all, err := s.client.Images(ctx, namespace)
		if err != nil {
			return ""
		}
		for _, i := range all {
			if other, err := ref.Parse(i.Name); err == nil && other.Canonical() == r.Canonical() {
				found = append(found, fmt.Sprintf("%.200q", i.Name))
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch {
	case len(found) == 0:
		return ""
	case len(found) > most:
		found = append(found[:most], "…")
	}
	return " (there: " + strings.Join(found, ", ") + ")"
}
