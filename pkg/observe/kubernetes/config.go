package kubernetes

import (
	"bytes"
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/kube"
)

// A sealed is what is read of a ConfigMap or Secret: everything but its content.
type sealed struct {
	metav1.ObjectMeta `json:"metadata"`
	Immutable         *bool `json:"immutable"`
	field             protowire.Number
}

// Fields of the protobuf form that say whether an object is immutable.
//
// https://github.com/kubernetes/api/blob/v0.37.1/core/v1/generated.proto
const (
	configMapImmutable protowire.Number = 4
	secretImmutable    protowire.Number = 5
)

// Unmarshal reads metadata and the one field, and steps over the rest.
func (s *sealed) Unmarshal(b []byte) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.BytesType:
			raw, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return protowire.ParseError(n)
			}
			if err := s.ObjectMeta.Unmarshal(raw); err != nil {
				return err
			}
			b = b[n:]
		case num == s.field && typ == protowire.VarintType:
			x, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return protowire.ParseError(n)
			}
			yes := x != 0
			s.Immutable = &yes
			b = b[n:]
		default:
			n := protowire.ConsumeFieldValue(num, typ, b)
			if n < 0 {
				return protowire.ParseError(n)
			}
			b = b[n:]
		}
	}
	return nil
}

type (
	sealedConfigMap struct{ sealed }
	sealedSecret    struct{ sealed }
)

func (s *sealedConfigMap) Unmarshal(b []byte) error {
	s.field = configMapImmutable
	return s.sealed.Unmarshal(b)
}

func (s *sealedSecret) Unmarshal(b []byte) error {
	s.field = secretImmutable
	return s.sealed.Unmarshal(b)
}

// contentPage is how many objects with their content are asked for at a time:
// each may be a megabyte.
const contentPage = 50

// listConfigMaps finds out which are immutable.
func (v *observation) listConfigMaps(ctx context.Context, namespace string) error {
	return listAll(ctx, v.c, query{resource: configMaps, namespace: namespace, limit: min(contentPage, v.o.PageSize)},
		func(s *sealedConfigMap) { v.seal(kube.ConfigMap, &s.sealed) })
}

// listSecrets finds out which are immutable. Releases of Helm configure no
// container.
func (v *observation) listSecrets(ctx context.Context, namespace string) error {
	return listAll(ctx, v.c, query{resource: secrets, namespace: namespace, field: "type!=" + helmType, limit: min(contentPage, v.o.PageSize)},
		func(s *sealedSecret) { v.seal(kube.Secret, &s.sealed) })
}

func (v *observation) seal(kind string, s *sealed) {
	v.mu.Lock()
	defer v.mu.Unlock()
	in := &v.index.interner
	v.objects[objectKey{kind, in.one(s.Namespace), in.one(s.Name)}] = tri(s.Immutable != nil && *s.Immutable)
}

// immutable fills in what is known of the objects that configure a container.
func (v *observation) immutable(namespace string, objects []fact.ConfigObject) {
	for i := range objects {
		o := &objects[i]
		asked, r := v.o.ConfigMaps, configMaps
		if o.Kind == kube.Secret {
			asked, r = v.o.Secrets, secrets
		}
		known, ok := v.objects[objectKey{o.Kind, namespace, o.Name}]
		switch {
		case ok:
			o.Immutable = known
		case !asked:
			o.Cause, o.Why = fact.NotAsked, "whether "+r.plural()+" are immutable ("+flagOf(o.Kind)+")"
		case v.index.failed[r] != nil:
			o.Cause, o.Why = image.CauseOf(v.index.failed[r]), r.plural()+" could not be listed"
		default:
			o.Cause, o.Why = fact.NotFound, "there is none of that name"
		}
	}
}

// flagOf is how the command asks for objects of a kind.
func flagOf(kind string) string {
	if kind == kube.Secret {
		return "--secrets"
	}
	return "--config-maps"
}

// rawJSON unwraps what may come in an envelope of its own.
func rawJSON(raw []byte) []byte {
	rest, ok := bytes.CutPrefix(raw, magic)
	var u runtime.Unknown
	if !ok || u.Unmarshal(rest) != nil {
		return raw
	}
	return u.Raw
}
