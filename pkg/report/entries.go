package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Entry is one thing that a report has to tell: a finding, or a result that
// could not be decided, about one target or image, with all places where that
// stands. Checks that are off, passes and notes are none.
type Entry struct {
	Check    string // "" = about the whole: nothing was examined
	Platform string
	// Decision is what it leads to, of an image the worst for all that name it;
	// Allow if it was accepted.
	Decision policy.Decision
	// Open: the policy cares and it could not be decided. Cause and Why say why, and
	// Finding is zero.
	Open  bool
	Cause fact.Cause
	Why   string

	Finding check.Finding
	// Accepted is by what a finding is accepted: an exception, a comment in a file,
	// an earlier report. "" = it is not.
	Accepted string
	// Moot is why a finding about an image matters in none of the containers that
	// run it. "" = it does.
	Moot string

	// Subject is the reference as written or the image, with its digest; of a gap
	// what could not be seen. Name is the same without its digest: it stays when
	// the image is built anew.
	Subject, Name string
	Kind          ref.Kind
	Container     string
	OfImage       bool // about content, not about how it is referred to
	Places        []Place
}

// A Place is a place in a file, or a workload with all its containers.
type Place struct {
	ref.Origin
	Container string
	Count     int // of containers there; 1 in a file
}

// InFile reports whether p is in a file.
func (p Place) InFile() bool { return p.Kind == "file" && p.Where != "" }

// String says where p is, without escapes: "deploy/api.yaml:17:16",
// "prod/shop/Deployment/api [app]".
func (p Place) String() string {
	s := position(Origin{Origin: p.Origin})
	if p.Container != "" && !p.InFile() {
		s += " [" + p.Container + "]"
	}
	return s
}

// Message is what e says, in a sentence without the check.
func (e Entry) Message() string {
	if !e.Open {
		return e.Finding.Message
	}
	cause := string(e.Cause)
	if cause == "" {
		cause = "not gathered"
	}
	s := "not examined (" + cause + ")"
	if e.Cause == fact.NotAsked {
		s = "the policy asks for it and it was left out"
	}
	if e.Why != "" {
		s += ": " + e.Why
	}
	return s
}

// Entries returns what r has to tell, deny first, then what could not be
// decided, then warnings, then what was accepted.
func Entries(r *Report) []Entry {
	var out []Entry
	for _, s := range Subjects(r) {
		e := Entry{Subject: s.Name, Name: nameOf(s.Name), Kind: s.Kind, Container: s.Container, OfImage: s.OfImage, Places: s.Places}
		for _, res := range s.Results {
			e.Moot, e.Places = s.Moot[res.Check], s.PlacesOf(res.Check)
			out = e.of(out, res)
		}
		for _, why := range s.Verdict.Reasons {
			if why.Check == "" && why.Decision != policy.Allow {
				whole := e
				whole.Open, whole.Decision, whole.Why, whole.Moot, whole.Places = true, why.Decision, why.Why, "", s.Places
				out = append(out, whole)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}

// imageOf is find for many targets: index holds all images that lie in a
// registry or in one local place.
func (r *Report) imageOf(t Target, index map[imageKey]*Image) *Image {
	if img := index[imageKey{t.Image, t.ImageName}]; img != nil && img.Source == "" && t.Image != "" {
		return img
	}
	return r.find(t)
}

func (e Entry) rank() int {
	switch {
	case e.Accepted != "":
		return 4
	case e.Decision == policy.Deny:
		return 0
	case e.Decision == policy.Warn && e.Open:
		return 2
	case e.Decision == policy.Warn:
		return 3
	case e.Decision == policy.Allow:
		return 4
	}
	return 1
}

// of adds what one result about e's subject has to tell.
func (e Entry) of(out []Entry, res *Result) []Entry {
	e.Check, e.Platform, e.Decision = res.Check, res.Platform, res.Decision
	switch {
	case res.Level == policy.LevelOff:
		return out
	case res.Open():
		e.Open, e.Cause, e.Why, e.Moot = true, res.Cause, res.Why, ""
		return append(out, e)
	case res.Outcome != check.Fail || res.PartOf != "":
		return out
	}
	for i, f := range res.Findings {
		if f.Note {
			continue
		}
		e.Finding, e.Decision = f, res.Decision
		if e.Accepted = res.AcceptedBy(i); e.Accepted != "" {
			e.Decision = policy.Allow
		}
		out = append(out, e)
	}
	return out
}

// AcceptedBy says by what the finding i of r is accepted, or "".
func (r Result) AcceptedBy(i int) string {
	for _, a := range r.Accepted {
		if a.Finding == i {
			return cmp.Or(a.By, "an exception")
		}
	}
	if r.Decision == policy.Allow && r.Excepted > 0 {
		return "an exception"
	}
	return ""
}

// A user is a target that names an image.
type user struct {
	target *Target
	places []Place
}

// ofAll is a result about an image as all targets that name it see it: what
// is denied for one of them is denied.
func ofAll(res *Result, users []user) (*Result, []Place, string) {
	var places []Place
	var moot []string
	worst := res.Decision
	for _, u := range users {
		for _, why := range u.target.Verdict.Reasons {
			if why.Check == res.Check && why.Platform == res.Platform {
				worst = policy.Worst(worst, why.Decision)
			}
		}
		i := slices.IndexFunc(u.target.Moot, func(m Moot) bool { return m.Check == res.Check })
		if i >= 0 {
			if why := u.target.Moot[i].Why; !slices.Contains(moot, why) {
				moot = append(moot, why)
			}
			continue
		}
		places = append(places, u.places...)
	}
	if worst != res.Decision {
		// Another scope of the policy judges harder, and accepts less.
		harder := *res
		res = &harder
		res.Decision, res.Excepted, res.Accepted = worst, 0, nil
		if res.Level = policy.LevelDeny; worst == policy.Warn {
			res.Level = policy.LevelWarn
		}
	}
	if len(places) > 0 || worst == policy.Deny {
		moot = nil
	}
	if len(places) == 0 {
		for _, u := range users {
			places = append(places, u.places...)
		}
	}
	return res, onePlace(places), strings.Join(moot, "; ")
}

// placesIn are the places of t, each once.
func placesIn(t *Target) []Place {
	var out []Place
	for o := range t.Origins.All() {
		p := Place{Origin: o.Origin, Container: t.Container, Count: 1}
		if p.Where == "" || t.Kind == KindGap && !p.InFile() {
			continue // an argument, or all of an inventory
		}
		if !p.InFile() {
			p.Path = "" // the pod
		}
		if n := len(out) - 1; n >= 0 && !p.InFile() && out[n].Origin == p.Origin {
			out[n].Count++
			continue
		}
		out = append(out, p)
	}
	return onePlace(out)
}

// onePlace adds equal places up and keeps their order.
func onePlace(places []Place) []Place {
	at := make(map[Place]int, len(places))
	var out []Place
	for _, p := range places {
		n := p.Count
		p.Count = 0
		i, ok := at[p]
		if !ok {
			i = len(out)
			at[p] = i
			out = append(out, p)
		}
		if out[i].Count += n; p.InFile() {
			out[i].Count = 1
		}
	}
	return out
}

// nameOf is a reference without its digest.
func nameOf(s string) string {
	name, _, _ := strings.Cut(s, "@")
	return name
}
