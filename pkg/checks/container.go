package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// nothingRuns is why what is about running containers does not apply.
const nothingRuns = "nothing runs"

func containerScopes() []check.Scope { return []check.Scope{check.ScopeContainer} }

// whereOf returns where the reference of s was found; nil if that is not known.
func whereOf(s *fact.Set) *ref.Origin {
	if s.Reference.State != fact.Known {
		return nil
	}
	return originOf(s.Reference.V)
}

// named is how a container, or the file that declares one, names its image; ok is
// false if s has neither.
func named(s *fact.Set) (r ref.Ref, text string, ok bool) {
	switch {
	case s.Container.State == fact.Known:
		return s.Container.V.Ref, s.Container.V.Image, true
	case s.Reference.State == fact.Known:
		return s.Reference.V.Ref, s.Reference.V.Text, true
	}
	return ref.Ref{}, "", false
}

// isImageID reports whether text is the ID of an image, as Docker takes one: it
// names bytes, though the grammar of references reads a tag in it.
func isImageID(text string) bool {
	if _, err := ref.ParseDigest(text); err == nil {
		return true
	}
	_, err := ref.ParseDigest("sha256:" + text)
	return err == nil
}

// pinnable returns the digest by which a registry serves what runs; "" if none is
// known to.
func pinnable(s *fact.Set) ref.Digest {
	if s.Running.State != fact.Known {
		return ""
	}
	r := s.Running.V
	switch {
	case r.Index != "":
		return r.Index
	case r.Manifest != "":
		return r.Manifest
	case r.Kind == fact.DigestIndex || r.Kind == fact.DigestManifest:
		return r.Digest
	}
	return ""
}

// pinTo is how to write r so that it names d.
func pinTo(r ref.Ref, d ref.Digest) string {
	r.Digest = d
	if d == "" {
		r.Digest = ""
		return r.String() + "@sha256:…"
	}
	return r.String()
}

// whatRuns names what a runtime says that it runs.
func whatRuns(r fact.Running) string {
	if r.Digest == "" {
		return fmt.Sprintf("%q", r.Reported)
	}
	return string(r.Digest)
}

// isKubernetes reports whether Kubernetes is to obey what is declared. A file
// that does not say for whom it is, is for Kubernetes.
func isKubernetes(s *fact.Set) bool {
	runtime := ""
	if s.Settings.State == fact.Known {
		runtime = s.Settings.V.Runtime
	}
	if s.Container.State == fact.Known && s.Container.V.Runtime != "" {
		runtime = s.Container.V.Runtime
	}
	return runtime == "" || runtime == "kubernetes"
}

// remake is how to have a container made anew from what declares it.
func remake(c fact.Container) string {
	switch {
	case c.Runtime != "" && c.Runtime != "kubernetes":
		return "remove the container and create it again"
	case c.Static:
		return "correct the file on the node that the pod is made from"
	case c.Owner != "":
		return fmt.Sprintf("delete the pod, so that its %s makes a new one", c.Owner)
	}
	return "delete the pod and create it again"
}

// noProcess says why the settings of a process do not apply to a container.
func noProcess(s *fact.Set) string {
	if s.Container.State != fact.Known {
		return ""
	}
	switch c := s.Container.V; {
	case c.Role == fact.RoleVolume:
		return "an image volume has no process of its own"
	case c.Role == fact.RoleEphemeral && c.Phase == fact.PhaseFinished:
		return "the ephemeral container has ended and is never started again"
	}
	return ""
}

// onWindows reports whether the container is known to be a Windows one, which has
// neither numeric users nor a read-only root. Where it is known what it runs on,
// the image has no say in it: runtimes on Linux take what calls itself Windows'.
func onWindows(s *fact.Set) bool {
	if c := s.Container; c.State == fact.Known && c.V.Platform.OS != "" {
		return c.V.Platform.OS == "windows"
	}
	return notUnix(s) != ""
}

// doubts gathers what a Run could not tell. What was not asked for gives way to
// what could not be done. The zero value is none.
type doubts struct {
	cause fact.Cause
	whys  []string
}

func (d *doubts) add(c fact.Cause, why string) {
	switch {
	case len(d.whys) == 0 || d.cause == fact.NotAsked && c != fact.NotAsked:
		d.cause, d.whys = c, nil
	case c == fact.NotAsked && d.cause != fact.NotAsked:
		return
	}
	if !slices.Contains(d.whys, why) {
		d.whys = append(d.whys, why)
	}
}

// missing adds a fact that is Unknown, and says otherwise what is missing if the
// fact does not.
func (d *doubts) missing(st fact.Status, otherwise string) {
	d.add(st.Cause, orElse(st.Why, otherwise))
}

// answer joins the doubts with what was found.
func (d doubts) answer(findings []check.Finding) check.Answer {
	a := check.Answer{Findings: findings}
	why := strings.Join(d.whys, "; ")
	switch {
	case len(d.whys) == 0:
	case d.cause == fact.NotAsked:
		a.NotAsked = why
	default:
		a.Undecided, a.Cause, a.Why = true, d.cause, why
	}
	return a
}
