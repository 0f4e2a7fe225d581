package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig006() check.Check {
	return check.Check{
		ID:    "DIG006",
		Title: "bytes after the end",
		Doc: check.Doc{
			What:   "There are bytes after the end of a JSON document, after the end marker of a layer's tar archive (zero padding is normal), or after the last frame of its compressed stream.",
			Why:    "Readers stop at different places. What stands after the end can be a second document or archive that one tool reads and another does not, or freight that no scanner looks at.",
			Fix:    "Build the image again with a current builder; do not join archives by appending one to another.",
			Limits: "It says that bytes are there, not what they mean. Encrypted layers, and layers that cannot be expanded, are undecided.",
			Since:  since,
		},
		Scopes: []check.Scope{check.ScopeImage, check.ScopePlatform},
		Needs:  []fact.Kind{fact.KDocuments, fact.KLayers},
		Uses:   []fact.Kind{fact.KImage},
		Run: func(s *fact.Set) check.Answer {
			return withFindings(unread(s), problems(s,
				"build the image again so that nothing follows the end", fact.ProblemTrailing))
		},
	}
}
