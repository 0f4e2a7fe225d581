package checks

import (
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func dig005() check.Check {
	return check.Check{
		ID:    "DIG005",
		Title: "content can be read in two ways",
		Doc: check.Doc{
			What: "A document has duplicate or case-variant keys, or is both a manifest and an index; or a layer has one path twice with different content, or removes with a whiteout " +
				"what the same layer adds. Paths that differ only in case or in Unicode form are a note.",
			Why: "Two tools can take the same bytes, with the same digest and the same signature, for two different images: the scanner sees one, the runtime runs the other.",
			Fix: "Build the image again with a current builder. In a layer, write every path once: if a tar is added as it is (`ADD rootfs.tar /`), make that tar again from an unpacked tree.",
			Limits: "It knows the ambiguities that are listed above, not every way in which some parser may differ. `intact` itself reads layers as containerd's overlay does: the last entry wins. " +
				"Encrypted layers are undecided.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeImage, check.ScopePlatform},
		Needs:  []fact.Kind{fact.KDocuments, fact.KLayers},
		Uses:   []fact.Kind{fact.KImage},
		Run: func(s *fact.Set) check.Answer {
			return withFindings(unread(s), problems(s,
				"build the image again so that every key and every path occurs once", fact.ProblemAmbiguous))
		},
	}
}
