package report

import (
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Subject is a target or an image with all results about it.
type Subject struct {
	Name      string // the reference as written, or the image with its digest
	Kind      ref.Kind
	Container string
	OfImage   bool
	Places    []Place
	// Results are as all that name an image see them: what is denied for one of
	// them is denied. Of a target they are its own, without those of its image.
	Results []*Result
	Verdict policy.Verdict
	Moot    map[string]string // by check: why its failure matters nowhere

	some map[string][]Place // by check: the places where it does, if not all
}

// PlacesOf are the places where a failure of check matters.
func (s Subject) PlacesOf(check string) []Place {
	if some, ok := s.some[check]; ok {
		return some
	}
	return s.Places
}

// Title names s with its first place: two targets can be the same reference in
// two files.
func (s Subject) Title() string {
	t := s.Name
	if s.Container != "" {
		t += " [" + s.Container + "]"
	}
	if len(s.Places) > 0 && !s.OfImage {
		t += " in " + s.Places[0].Where
	}
	return t
}

// Subjects returns the targets of r, then its images.
func Subjects(r *Report) []Subject {
	out := make([]Subject, 0, len(r.Targets)+len(r.Images))
	users := map[*Image][]user{}
	index := r.imageIndex()
	for i := range r.Targets {
		t := &r.Targets[i]
		places := placesIn(t)
		if img := r.imageOf(*t, index); img != nil {
			users[img] = append(users[img], user{t, places})
		}
		out = append(out, Subject{
			Name: t.Ref, Kind: t.Kind, Container: t.Container, Places: places, Results: told(t.Results), Verdict: t.Verdict,
		})
	}
	for i := range r.Images {
		img := &r.Images[i]
		s := Subject{Name: img.Image, Kind: ref.KindImage, OfImage: true, Results: make([]*Result, len(img.Results)), Moot: map[string]string{}, some: map[string][]Place{}}
		if img.Source != "" {
			s.Name = img.Source
		}
		// What the image is by itself is not asked: its targets are judged.
		var all []Place
		for _, u := range users[img] {
			all = append(all, u.places...)
		}
		s.Places = onePlace(all)
		for n, res := range img.Results {
			some, moot := []Place(nil), ""
			if s.Results[n], some, moot = ofAll(res, users[img]); moot != "" {
				s.Moot[res.Check] = moot
			}
			if len(some) < len(s.Places) {
				s.some[res.Check] = some
			}
		}
		out = append(out, s)
	}
	return out
}
