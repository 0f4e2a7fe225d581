package scan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// summary says in a few lines what was examined. Its states follow from the
// results, never from the facts, so that it cannot say more than they do.
func (s *scanner) summary(e *examined, results []*report.Result) report.Summary {
	out := report.Summary{
		Published: report.Line{State: state(results, "DIG001"), Text: []string{published(e)}},
		Signed:    signed(e, results),
		Content:   s.content(e, results),
	}
	asks := map[string]bool{}
	for _, c := range e.children {
		if why := s.notRead(e.img, c.child); why != "" && c.set.Layers.Cause == fact.NotAsked {
			asks[why] = true
		}
	}
	for why := range asks {
		out.NotAsked = append(out.NotAsked, why)
	}
	if e.unsigned.NotAsked != "" {
		out.NotAsked = append(out.NotAsked, "signatures ("+e.unsigned.NotAsked+")")
	}
	sort.Strings(out.NotAsked)
	return out
}

// state is the worst that became of the checks whose IDs begin with one of
// prefixes: "deny", "undecided", "warn", "ok"; "not asked" if nobody asked.
func state(results []*report.Result, prefixes ...string) string {
	word, asked := "ok", false
	rank := func(s string) int { return slices.Index([]string{"ok", "warn", "undecided", "deny"}, s) }
	for _, r := range results {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(r.Check, p) }) {
			continue
		}
		if r.Outcome == check.Pass || r.Outcome == check.Fail || r.Outcome == check.Undecided {
			asked = true
		}
		if r.Level == policy.LevelOff {
			continue
		}
		got := "ok"
		switch r.Decision {
		case policy.Deny:
			got = "deny"
		case policy.Undecided:
			got = "undecided"
		case policy.Warn:
			got = "warn"
		}
		if rank(got) > rank(word) {
			word = got
		}
	}
	if !asked && word == "ok" {
		return "not asked"
	}
	return word
}

func published(e *examined) string {
	root := e.img.Root.Doc
	if !e.img.Root.Right() {
		if root.Wanted.Digest != "" && root.Wanted.Digest != root.Digest {
			return fmt.Sprintf("%d bytes that hash to %s, not to the digest asked for", root.Size, root.Digest)
		}
		return "a document that cannot be read"
	}
	what := "image manifest"
	switch root.Class {
	case fact.ClassIndex:
		what = fmt.Sprintf("index of %s", plural(len(e.set.Image.V.Platforms), "platform"))
	case fact.ClassArtifact, fact.ClassAttestation:
		what = string(root.Class)
	}
	if !e.img.Source.Proves().Manifest {
		return e.img.Source.Proves().Place + ": only the config's digest means something elsewhere"
	}
	return what + "; resolved once, bytes hash to this digest"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func signed(e *examined, results []*report.Result) report.Line {
	l := report.Line{State: state(results, "SIG")}
	if l.State == "not asked" {
		l.State = "" // looked for and told, but judged by no rule
	}
	if why := e.unsigned.NotApplicable + e.unsigned.NotAsked; why != "" {
		return report.Line{State: "not asked", Text: []string{why}}
	}
	listed, unread := 0, 0
	forms := map[string]int{}
	for _, p := range e.set.Listings.Parts {
		if p.State != fact.Known {
			unread++
			continue
		}
		listed++
		if p.V.Found > 0 {
			forms[p.V.Form] += p.V.Found
		}
	}
	switch {
	case e.set.Listings.State != fact.Known:
		l.Text = append(l.Text, e.set.Listings.Why)
	case len(forms) == 0 && unread == 0:
		l.Text = append(l.Text, fmt.Sprintf("no signature found in %s", plural(listed, "place")))
	case len(forms) == 0:
		l.Text = append(l.Text, fmt.Sprintf("%s could not be asked", plural(unread, "place")))
	default:
		var names []string
		for form, n := range forms {
			names = append(names, fmt.Sprintf("%d %s", n, formName(form)))
		}
		sort.Strings(names)
		text := strings.Join(names, ", ")
		if n, all := attestations(e); all {
			text = "no signature; " + plural(n, "attestation") + ": " + text
		} else if n > 0 {
			text += ", of which " + plural(n, "attestation")
		}
		l.Text = append(l.Text, text)
		l.Text = append(l.Text, signers(e)...)
	}
	for _, r := range results {
		if r.Check == "SIG001" && r.Outcome == check.NotAsked {
			l.Text = append(l.Text, "no rule requires one")
			break
		}
	}
	return l
}

// attestations are how many there are in what was found, and whether there is
// nothing else: who reads that something was found takes it for a signature.
func attestations(e *examined) (n int, all bool) {
	for _, p := range e.set.Signatures.Parts {
		if p.V.Kind == fact.KindAttestation {
			n++
		}
	}
	return n, n > 0 && n == len(e.set.Signatures.Parts) && e.set.Signatures.State == fact.Known
}

// formName says in words where a signature was found.
func formName(form string) string {
	switch form {
	case fact.FormSigTag:
		return "in cosign's .sig tag"
	case fact.FormAttTag:
		return "in cosign's .att tag"
	case fact.FormReferrers:
		return "among the referrers"
	case fact.FormFallbackTag:
		return "in the referrers tag"
	}
	return "in the " + form
}

// signers names who proved to have signed what, and who only claims to.
func signers(e *examined) []string {
	var out []string
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, p := range e.set.Signatures.Parts {
		if p.State != fact.Known || p.V.Kind != fact.KindSignature {
			continue
		}
		on := "on the root"
		if name := p.V.Platform.String(); name != "" {
			on = "on " + name
		}
		switch {
		case p.V.State == fact.SignatureVerified:
			for _, proof := range p.V.Proofs {
				who := "key " + proof.Key
				if proof.Identity != nil {
					who = proof.Identity.Subject + ", keyless"
				}
				at := ""
				if t := provenTime(proof); !t.IsZero() {
					at = ", proven " + t.UTC().Format(time.DateOnly)
				}
				add("verified: " + who + ", " + on + at)
			}
		case p.V.State == fact.SignatureUnverifiable && p.V.ClaimedSigner != nil:
			add("says it is by " + p.V.ClaimedSigner.Subject + ", " + on + ", not verified")
		case p.V.State == fact.SignatureBroken:
			add("broken, " + on)
		case p.V.State == fact.SignatureUnsupported:
			add("of a kind that is not read, " + on)
		default:
			add("by a key that was not given to verify with, " + on)
		}
	}
	return out
}

func provenTime(p fact.Proof) time.Time {
	for _, w := range slices.Concat(p.Logs, p.Times) {
		if !w.At.IsZero() {
			return w.At
		}
	}
	return time.Time{}
}

// content says per platform how much was read.
func (s *scanner) content(e *examined, results []*report.Result) report.Line {
	l := report.Line{State: state(results, "DIG003", "DIG004", "DIG005", "DIG006", "DIG007", "DIG008", "LAY")}
	for _, c := range e.children {
		if s.notRead(e.img, c.child) != "" || c.child.Class == fact.ClassAttestation {
			continue
		}
		if c.set.Config.State == fact.Known && c.set.Config.V.Platform.OS == "windows" {
			l.Text = append(l.Text, "the files of a Windows image are hashed, not judged")
		}
		var layers, known int
		var bytes int64
		var oldest time.Time
		for _, p := range c.set.Layers.Parts {
			layers++
			if p.State == fact.Known {
				known++
				bytes += p.V.Size
				if at := p.V.SeenAt; !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
					oldest = at
				}
			}
		}
		switch {
		case c.set.Layers.State != fact.Known:
			l.Text = append(l.Text, c.label+": layers not read")
		case known < layers:
			l.Text = append(l.Text, fmt.Sprintf("%s: %d of %s read", c.label, known, plural(layers, "layer")))
		case !oldest.IsZero():
			l.Text = append(l.Text, fmt.Sprintf("%s: %s, %s, every byte hashed; bytes seen %s (--no-cache reads again)",
				c.label, plural(layers, "layer"), size(bytes), oldest.UTC().Format(time.DateOnly)))
		default:
			l.Text = append(l.Text, fmt.Sprintf("%s: %s, %s, every byte hashed", c.label, plural(layers, "layer"), size(bytes)))
		}
	}
	if len(l.Text) == 0 {
		l.State = "not asked"
		l.Text = []string{"no layers were read"}
	}
	return l
}

func size(n int64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d MB", (n+500_000)/1_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
