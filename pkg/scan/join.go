package scan

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A declaration is one container of a workload that files declare.
type declaration struct {
	ran   *ran // of its class
	found *extract.Found
	seen  bool // something runs for it
}

type declarationKey struct{ kind, name, container string }

// join compares what files declare with what runs: each running container with
// the declarations of its workload, and what is declared and does not run.
func (s *scanner) join(o *observed) {
	if len(s.Files) == 0 || len(s.Runtimes) == 0 {
		return
	}
	declared := map[declarationKey][]*declaration{}
	var order []*declaration
	unknown := 0 // what might declare any container
	for _, f := range s.Files {
		unknown += len(f.Problems)
	}
	for _, r := range o.rans {
		for _, f := range r.class.found {
			if f.Workload.Name != "" {
				d := &declaration{ran: r, found: f}
				key := declarationKey{f.Workload.Kind, f.Workload.Name, f.Container}
				declared[key], order = append(declared[key], d), append(order, d)
			} else if f.Unresolved != "" {
				unknown++
			}
		}
	}
	for _, r := range o.rans {
		if r.class.found != nil {
			continue
		}
		w, running := r.class.at, s.gatherer(r).runningFact()
		var f fact.Declared
		for _, d := range declared[declarationKey{w.Kind, w.Name, r.class.spec.Container.Name}] {
			if ns := d.found.Workload.Namespace; ns != "" && ns != w.namespace {
				continue
			}
			d.seen = true
			if d.found.Unresolved != "" {
				f.Unresolved++
				continue
			}
			f.In = append(f.In, s.declarationOf(d, r, running))
		}
		if len(f.In) == 0 {
			f.Unresolved += unknown
		}
		r.declares = &f
	}
	var idle []string
	for _, d := range order {
		if !d.seen {
			idle = append(idle, at(d.found.Origin))
		}
	}
	if slices.Sort(idle); len(idle) > 0 {
		note := fmt.Sprintf("declared and not running: %d containers, the first at %s", len(idle), idle[0])
		o.notices = append(o.notices, note)
	}
}

// declarationOf compares one declaration with what runs.
func (s *scanner) declarationOf(d *declaration, r *ran, running fact.Value[fact.Running]) fact.Declaration {
	found := d.found
	out := fact.Declaration{Where: at(found.Origin), Image: found.Raw, Digest: found.Ref.Digest != ""}
	c := r.class.spec.Container
	switch {
	case running.State == fact.Absent:
		out.Same = fact.Comparison{Why: "nothing runs yet"}
	case !out.Digest && found.Ref == c.Ref:
		// Whether its tag has moved since is another question.
		out.Same = fact.Comparison{Answer: fact.AnswerSame, Proof: "the pod names the same tag"}
	case running.State != fact.Known:
		out.Same = fact.Comparison{Why: running.Why}
	case out.Digest:
		out.Same = s.settled.Compare(found.Ref.Digest, running.V.Digest, c.Platform)
	case d.ran.tag != nil && d.ran.tag.img != nil:
		out.Same = s.settled.Compare(d.ran.tag.img.Root.Doc.Digest, running.V.Digest, c.Platform)
	default:
		out.Same = fact.Comparison{Why: "what the file's tag names is not known"}
	}
	return out
}

func at(o ref.Origin) string { return fmt.Sprintf("%s:%d", o.Where, o.Line) }
