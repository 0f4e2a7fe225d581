package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// evidence says in words what each fact is.
var evidence = map[fact.Kind]string{
	fact.KReference:    "the reference as it is written",
	fact.KResolution:   "the digest that the reference resolved to",
	fact.KTag:          "what the registry said about the tag during the scan",
	fact.KPin:          "where the tag beside the digest points",
	fact.KPush:         "what a push to the tag would replace",
	fact.KAvailability: "whether manifests, configs and layers are there to be pulled",
	fact.KImage:        "the root manifest and what hangs from it",
	fact.KDocuments:    "the bytes of manifests, indexes and configs",
	fact.KListings:     "the places in which signatures were looked for",
	fact.KSignatures:   "the signatures and attestations that were found",
	fact.KConfig:       "the image's configuration",
	fact.KLayers:       "the bytes of the layers",
	fact.KUser:         "the effective user, looked up in the image's passwd and group files",
	fact.KFilesystem:   "the merged file tree",
	fact.KContainer:    "what the runtime was told to run",
	fact.KSettings:     "what the workload's specification lets the container do",
	fact.KRunning:      "the image that the runtime says it runs, and what that proved to be",
	fact.KForecast:     "what a start of the same container would bring",
	fact.KJudged:       "what today's policy makes of the image that runs",
	fact.KChanges:      "the files that changed since the container started",
	fact.KGroup:        "the images that the containers of one template run",
	fact.KTagHistory:   "what the tag meant before, by a record that was kept",
	fact.KDeclared:     "how the container stands in the files that declare what should run",
	fact.KObject:       "an object that a file declares",
	fact.KRevisions:    "the former revisions of the workload and whether their images are there",
}

var scopeWords = map[Scope]string{
	ScopeReference: "each reference",
	ScopeImage:     "each image",
	ScopePlatform:  "each platform of an image",
	ScopeContainer: "each container",
	ScopeGroup:     "each group of containers",
	ScopeObject:    "each object",
}

// PageName returns the file name of the page of the check id.
func PageName(id string) string { return id + ".md" }

// Page renders the Markdown page of c. The example shows what c reports; the
// section is left out if it is "".
func Page(c Check, example string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s\n", c.ID, c.Title, paragraph(c.Doc.What))
	section(&b, "Why it matters", c.Doc.Why)
	section(&b, "Evidence", evidenceOf(c))
	if example != "" {
		section(&b, "Example", "```text\n"+strings.TrimRight(example, "\n")+"\n```")
	}
	section(&b, "Fix", c.Doc.Fix)
	section(&b, "What it cannot see", c.Doc.Limits)
	section(&b, "Since", c.Doc.Since)
	return []byte(b.String())
}

func section(b *strings.Builder, title, text string) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", title, paragraph(text))
}

func paragraph(s string) string { return strings.TrimSpace(s) }

func evidenceOf(c Check) string {
	var b strings.Builder
	var subjects []string
	for _, s := range c.Scopes {
		if s == ScopeImage && slices.Contains(c.Scopes, ScopePlatform) {
			subjects = append(subjects, "each image index")
			continue
		}
		subjects = append(subjects, scopeWords[s])
	}
	fmt.Fprintf(&b, "Evaluated for %s.", strings.Join(subjects, " and "))
	if c.Images {
		b.WriteString(" Images only: not applicable to other artifacts.")
	}
	b.WriteString("\n\nIt cannot pass without:\n\n")
	for _, k := range c.Needs {
		fmt.Fprintf(&b, "- %s (`%s`)\n", evidence[k], k)
	}
	if len(c.Uses) > 0 {
		b.WriteString("\nIt also reads, where known:\n\n")
		for _, k := range c.Uses {
			fmt.Fprintf(&b, "- %s (`%s`)\n", evidence[k], k)
		}
	}
	return b.String()
}

// Pages renders the page of every check and an index of them, README.md, by
// file name. Example returns the example of a check, or "".
func Pages(checks []Check, example func(Check) string) map[string][]byte {
	pages := map[string][]byte{}
	var index strings.Builder
	index.WriteString("# Checks\n\nEach check has an ID that is never reused. " +
		"The policy says which of them deny, warn or are off.\n\n" +
		"| ID | complains about | since |\n| --- | --- | --- |\n")
	for _, c := range checks {
		pages[PageName(c.ID)] = Page(c, example(c))
		fmt.Fprintf(&index, "| [%s](%s) | %s | %s |\n", c.ID, PageName(c.ID), c.Title, c.Doc.Since)
	}
	pages["README.md"] = []byte(index.String())
	return pages
}
