package observe

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/intact-dev/intact/pkg/fact"
)

// Specs keeps one of each kind of Spec, so that thousands of equal containers
// hold one. The zero value is empty. It may not be used concurrently.
type Specs struct {
	all map[[sha256.Size]byte]*Spec
	buf []byte
}

// One returns the Spec that is equal to s: s itself if there was none.
func (k *Specs) One(s *Spec) *Spec {
	k.buf = s.append(k.buf[:0])
	key := sha256.Sum256(k.buf)
	if known, ok := k.all[key]; ok {
		return known
	}
	if k.all == nil {
		k.all = map[[sha256.Size]byte]*Spec{}
	}
	k.all[key] = s
	return s
}

// Key is equal for equal Specs and for no others.
func (s *Spec) Key() [sha256.Size]byte { return sha256.Sum256(s.append(nil)) }

// append appends s in a form that no other Spec has: every text and list is
// preceded by its length. An empty list is like none.
func (s *Spec) append(b []byte) []byte {
	b = appendContainer(b, &s.Container)
	b = appendSettings(b, &s.Settings)
	return texts(b, s.PullSecrets)
}

func appendContainer(b []byte, c *fact.Container) []byte {
	b = text(b, c.Name)
	b = text(b, c.Role)
	b = text(b, c.Phase)
	b = text(b, c.Runtime)
	b = text(b, c.Image)
	b = text(b, c.Ref.Name)
	b = text(b, c.Ref.Tag)
	b = text(b, c.Ref.Digest)
	b = text(b, c.Template)
	b = text(b, c.NoTemplate)
	b = text(b, c.Rewrite)
	b = flags(b, c.Injected, c.Added, c.Static)
	b = text(b, c.Owner)
	b = text(b, c.Platform.OS)
	b = text(b, c.Platform.Architecture)
	b = text(b, c.Platform.Variant)
	return text(b, c.Platform.OSVersion)
}

func appendSettings(b []byte, s *fact.Settings) []byte {
	b = text(b, s.Runtime)
	b = text(b, s.PullPolicy)
	b = flags(b, s.ReadOnlyRoot, s.Privileged, s.RunAsNonRoot)
	b = text(b, s.MayEscalate)
	b = text(b, s.HostUsers)
	b = number(b, s.RunAsUser)
	b = number(b, s.RunAsGroup)
	b = text(b, s.User)
	b = binary.AppendUvarint(b, uint64(len(s.Groups)))
	for _, g := range s.Groups {
		b = binary.AppendVarint(b, g)
	}
	b = texts(b, s.Capabilities)
	b = binary.AppendUvarint(b, uint64(len(s.Mounts)))
	for i := range s.Mounts {
		m := &s.Mounts[i]
		b = text(b, m.Path)
		b = text(b, m.Kind)
		b = text(b, m.Source)
		b = text(b, m.SubPath)
		b = flags(b, m.ReadOnly)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Configs)))
	for i := range s.Configs {
		c := &s.Configs[i]
		b = text(b, c.Kind)
		b = text(b, c.Name)
		b = text(b, c.Use)
		b = text(b, c.Immutable)
		b = text(b, c.Why)
		b = text(b, c.Cause)
		b = flags(b, c.Optional)
	}
	return b
}

func text[T ~string](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func texts(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = text(b, s)
	}
	return b
}

func number(b []byte, n *int64) []byte {
	if n == nil {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, 1), *n)
}

func flags(b []byte, all ...bool) []byte {
	for _, f := range all {
		if f {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}
