// Package gather turns a reference and an opened image into facts. It does the
// I/O; it judges nothing. What could not be obtained becomes an Unknown fact
// with its cause.
package gather

import (
	"errors"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// missing is the Unknown value for err.
func missing[T any](err error) fact.Value[T] {
	return fact.Missing[T](image.CauseOf(err), why(err))
}

// why is an error's text with what to do about it.
func why(err error) string {
	if hint := image.HintOf(err); hint != "" {
		return err.Error() + " (" + hint + ")"
	}
	return err.Error()
}

// Resolution says what the one deciding answer was.
func Resolution(img *image.Image, asked ref.Ref) fact.Value[fact.Resolution] {
	by := "tag"
	switch {
	case asked.Digest != "":
		by = "digest"
	case !img.Source.Proves().Tags:
		by = "source"
	}
	return fact.Of(fact.Resolution{Digest: img.Root.Doc.Digest, MediaType: rootType(img), By: by})
}

func rootType(img *image.Image) string {
	if t := img.Root.Doc.MediaType; t != "" {
		return t
	}
	return img.Root.Doc.HeaderType
}

// Image says what the root is and what hangs from it. It is Unknown if the
// root's bytes are wrong or have no reading.
func Image(img *image.Image, name string) fact.Value[fact.Image] {
	if !img.Root.Right() {
		return fact.Missing[fact.Image](fact.Dependency, "the root manifest is wrong or unreadable")
	}
	f := fact.Image{
		Name: name, Class: img.Root.Doc.Class,
		Root: ref.Descriptor{MediaType: rootType(img), Digest: img.Root.Doc.Digest, Size: img.Root.Doc.Size},
	}
	if img.Incomplete != nil {
		f.Incomplete = img.Incomplete.Error()
	}
	for _, c := range img.Children {
		if c.Named {
			continue
		}
		child := fact.Child{Platform: c.Platform, Class: c.Class, Manifest: c.Desc.Digest, Selected: c.Selected}
		if c.Manifest != nil && c.Manifest.Right() && c.Manifest.Manifest.Config != nil {
			child.Config = c.Manifest.Manifest.Config.Digest
		}
		if c.Runnable() {
			f.Platforms = append(f.Platforms, child)
		} else {
			f.Others = append(f.Others, child)
		}
	}
	return fact.Of(f)
}

// RootDocuments are the documents that belong to no platform: the root and the
// indexes below it. For a root that is no index they are empty, since it is its
// platform's own.
func RootDocuments(img *image.Image) fact.List[fact.Document] {
	out := fact.ListOf[fact.Document]()
	if img.Root.Right() && img.Root.Doc.Class != fact.ClassIndex {
		return out
	}
	out.Parts = append(out.Parts, fact.Of(img.Root.Doc))
	for _, c := range img.Children {
		if c.Class == fact.ClassIndex && c.Manifest != nil {
			out.Parts = append(out.Parts, fact.Of(c.Manifest.Doc))
		}
	}
	if img.Incomplete != nil {
		out.Parts = append(out.Parts, missing[fact.Document](img.Incomplete))
	}
	return out
}

// Documents are the manifest and the config of one child.
//
// An index may list what a registry does not hold (a mirror that copies one
// platform keeps the index as it was). For a platform that nobody selected
// that is not asked; for a selected one it is unknown, and REF005 says so too.
func Documents(c *image.Child) fact.List[fact.Document] {
	unselected := func(err error) bool {
		// Of a platform that is not stated nobody can say that it is another.
		stated := c.Platform.OS != "" && c.Platform.Architecture != ""
		return !c.Selected && stated && image.CauseOf(err) == fact.NotFound
	}
	var out fact.List[fact.Document]
	out.State = fact.Known
	switch {
	case c.Err != nil && unselected(c.Err):
		out.Parts = append(out.Parts, fact.Missing[fact.Document](fact.NotAsked,
			fmt.Sprintf("the manifest of %s is listed but not there; the platform was not selected", Label(c))))
		return out
	case c.Err != nil:
		out.Parts = append(out.Parts, missing[fact.Document](c.Err))
		return out
	case c.Manifest == nil:
		out.Parts = append(out.Parts, fact.Missing[fact.Document](fact.NotAsked, "only the reference was resolved (--depth manifest)"))
		return out
	}
	out.Parts = append(out.Parts, fact.Of(c.Manifest.Doc))
	switch {
	case c.ConfigDoc != nil:
		out.Parts = append(out.Parts, fact.Of(*c.ConfigDoc))
	case c.ConfigErr != nil && c.Class == fact.ClassImage && unselected(c.ConfigErr):
		out.Parts = append(out.Parts, fact.Missing[fact.Document](fact.NotAsked, "the config is not there; the platform was not selected"))
	case c.ConfigErr != nil:
		out.Parts = append(out.Parts, missing[fact.Document](c.ConfigErr))
	case c.Class == fact.ClassImage && c.Manifest.Right():
		out.Parts = append(out.Parts, missing[fact.Document](errNoConfig))
	}
	return out
}

var errNoConfig = &image.Error{Op: "get config", Cause: fact.Dependency, Err: errors.New("the manifest has no usable config descriptor")}

// Config is the parsed config of one child. It is Absent for what is no image.
func Config(c *image.Child) fact.Value[fact.Config] {
	switch {
	case c.Class != fact.ClassImage:
		return fact.None[fact.Config]()
	case c.ConfigOK && c.ConfigDoc != nil && unverifiable(c.ConfigDoc.Problems):
		return fact.Missing[fact.Config](fact.Dependency, "the config cannot be relied on: see DIG008")
	case c.ConfigOK:
		return fact.Of(c.Config)
	}
	for _, p := range Documents(c).Parts {
		if p.State != fact.Known {
			return fact.Missing[fact.Config](p.Cause, p.Why)
		}
	}
	return fact.Missing[fact.Config](fact.Dependency, "the config is wrong or unreadable")
}

func unverifiable(problems []fact.Problem) bool {
	return slices.ContainsFunc(problems, func(p fact.Problem) bool { return p.Kind == fact.ProblemUnverifiable && !p.Note })
}

// Label names a child for people: its platform, or what it is.
func Label(c *image.Child) string {
	p := c.Platform.String()
	switch {
	case c.Class == fact.ClassImage && p != "":
		return p
	case c.Class == fact.ClassImage:
		return "platform not stated"
	}
	return string(c.Class) + " " + c.Desc.Digest.Short()
}
