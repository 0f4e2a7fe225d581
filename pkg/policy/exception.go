package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// WarnBefore is how many days before its last day an exception is warned about.
const WarnBefore = 14

// An Exception is findings that are accepted until a day.
type Exception struct {
	Check   string
	Images  []string // patterns as written
	Paths   []string // patterns as written
	All     bool
	Reason  string
	Owner   string
	Expires strictyaml.Date // the last day on which it holds, UTC
	Pos     strictyaml.Pos  // where it is written

	images []pattern
	paths  []glob
}

// String returns the exception for people, with check, last day, reason and
// owner.
func (e *Exception) String() string {
	s := fmt.Sprintf("%s until %s: %s", e.Check, e.Expires, e.Reason)
	if e.Owner != "" {
		s += " (" + e.Owner + ")"
	}
	return s
}

// DaysLeft is the number of days on which e still holds after that of now: 0 on
// its last day, negative once it has expired.
func (e *Exception) DaysLeft(now time.Time) int {
	y, m, d := now.UTC().Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return int(e.Expires.Sub(today) / (24 * time.Hour))
}

// Expired reports whether the last day of e has gone by.
func (e *Exception) Expired(now time.Time) bool { return e.DaysLeft(now) < 0 }

// ExpiresSoon reports whether e holds for 14 more days at most.
func (e *Exception) ExpiresSoon(now time.Time) bool {
	left := e.DaysLeft(now)
	return left >= 0 && left <= WarnBefore
}

// An ExceptionUse is what one exception did for one subject that its images
// match.
type ExceptionUse struct {
	Exception *Exception
	Expired   bool // it did nothing
	Soon      bool // it expires within 14 days
	// Judged says that its check was evaluated, so that an unused one is unused.
	Judged bool
	Used   int // findings that it accepts, in whole or in part
}

// Notice returns what is to be said about the exception, or "".
func (u ExceptionUse) Notice() string {
	switch {
	case u.Expired:
		return fmt.Sprintf("exception expired on %s and no longer holds: %s", u.Exception.Expires, u.Exception)
	case u.Soon:
		return fmt.Sprintf("exception expires on %s: %s", u.Exception.Expires, u.Exception)
	}
	return ""
}

// Unused returns the exceptions that hold, whose images occurred in vs and whose
// check was evaluated for them, and that accepted nothing.
func Unused(vs ...Verdict) []*Exception {
	used := map[*Exception]int{}
	var order []*Exception
	for _, v := range vs {
		for _, u := range v.Uses {
			if u.Expired || !u.Judged {
				continue
			}
			if _, ok := used[u.Exception]; !ok {
				order = append(order, u.Exception)
			}
			used[u.Exception] += u.Used
		}
	}
	return slices.DeleteFunc(order, func(e *Exception) bool { return used[e] > 0 })
}

// uses returns the exceptions whose images are s, in the policy's order.
func (p *Policy) uses(s Subject, now time.Time) []ExceptionUse {
	image := p.UpstreamOf(s.Image)
	var out []ExceptionUse
	for _, e := range p.exceptions {
		if matchImage(e.images, image) {
			out = append(out, ExceptionUse{Exception: e, Expired: e.Expired(now), Soon: e.ExpiresSoon(now)})
		}
	}
	return out
}

// except marks in j the findings of r that are accepted and reports whether any
// failing one is left. Exceptions accept findings; they do not make up for what
// could not be examined.
func (p *Policy) except(j *Judgement, r check.Result, uses []ExceptionUse, run Run) (left bool) {
	var mine []*ExceptionUse
	for i := range uses {
		if u := &uses[i]; u.Exception.Check == r.Check && !u.Expired {
			u.Judged = u.Judged || r.Outcome != check.Undecided && r.Outcome != check.NotAsked
			mine = append(mine, u)
		}
	}
	failing := 0
	for _, f := range r.Findings {
		fj := FindingJudgement{}
		if !f.Note {
			failing++
			fj = exceptFinding(f, mine)
			if !fj.Excepted && run.Accepts != nil {
				if by := run.Accepts(r.Check, f); by != "" {
					fj.Excepted, fj.By = true, append(fj.By, by)
				}
			}
		}
		if fj.Excepted {
			j.Excepted++
		} else if !f.Note {
			left = true
		}
		j.Findings = append(j.Findings, fj)
	}
	// A failure that names nothing cannot be accepted path by path.
	return left || failing == 0
}

func exceptFinding(f check.Finding, uses []*ExceptionUse) FindingJudgement {
	var fj FindingJudgement
	covered := make([]bool, len(f.Paths))
	more := f.Count > len(f.Paths) || len(f.Paths) == 0
	for _, u := range uses {
		e := u.Exception
		whole := e.All || more && f.Dir != "" && slices.ContainsFunc(e.paths, func(g glob) bool { return g.coversDir(string(f.Dir)) })
		did := whole
		for i, path := range f.Paths {
			if whole || matchAny(e.paths, string(path)) {
				covered[i], did = true, true
			}
		}
		fj.Excepted = fj.Excepted || whole
		if did {
			u.Used++
			fj.By = append(fj.By, e.String())
		}
	}
	for _, c := range covered {
		if c {
			fj.Paths++
		}
	}
	fj.Excepted = fj.Excepted || !more && fj.Paths == len(f.Paths)
	return fj
}

// pathChecks are the checks whose findings are about paths: an exception from
// one must say which.
func pathChecks() []string {
	return []string{
		"LAY001", "LAY002", "LAY003", "LAY004", "LAY006", "LAY008", "LAY009", "RUN005", "RUN012", "RUN013", "RUN014",
	}
}

func compileException(doc *strictyaml.Document, path []any, d exceptionDoc) (*Exception, strictyaml.Errors) {
	e := &Exception{
		Check: d.Check, Images: d.Images, Paths: d.Paths, All: d.All, Reason: d.Reason, Owner: d.Owner,
		Expires: d.Expires, Pos: doc.Pos(path...),
	}
	var errs strictyaml.Errors
	e.images, errs = compilePatterns(doc, with(path, "images"), d.Images)
	for i, t := range d.Paths {
		g, err := parseGlob(t)
		if err != nil {
			errs = append(errs, doc.Errorf(with(path, "paths", i), "%v", err))
			continue
		}
		if !strings.HasPrefix(t, "/") {
			errs = append(errs, doc.Errorf(with(path, "paths", i), "path %q; expected one from the root, such as /bin/ping", t))
		}
		e.paths = append(e.paths, g)
	}
	isPath := slices.Contains(pathChecks(), d.Check)
	switch {
	case isPath && d.Paths == nil && !d.All:
		errs = append(errs, doc.Errorf(path, "an exception from %s needs paths, or all: true", d.Check))
	case d.Paths != nil && d.All:
		errs = append(errs, doc.Errorf(path, "paths and all: true; expected one of them"))
	case !isPath && (d.Paths != nil || d.All):
		errs = append(errs, doc.Errorf(path, "findings of %s are not about paths; leave paths and all out", d.Check))
	}
	// For a check without paths the exception is from all that it finds.
	e.All = e.All || !isPath
	return e, errs
}
