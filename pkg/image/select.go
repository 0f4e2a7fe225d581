package image

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Selection says which platforms' layers are read. The zero value selects
// none.
type Selection struct {
	All bool
	// Only selects the platforms that match one of these; one that no image
	// matches becomes a child with an error.
	Only []ref.Platform
	// Host selects the images for this platform, or else for one that its machines
	// run as well, or the only image there is, or the first one listed if none is for
	// it and those whose platform the index does not state. Used if neither All nor
	// Only is set.
	Host ref.Platform
}

// String tells selections apart.
func (s Selection) String() string { return fmt.Sprint(s.All, s.Only, s.Host) }

// Selecting returns a copy of img in which the platforms of s are selected and
// no others. What was fetched is shared.
func (img *Image) Selecting(s Selection) *Image {
	out := *img
	out.Children = make([]*Child, 0, len(img.Children))
	for _, c := range img.Children {
		if c.Named {
			continue
		}
		child := *c
		child.Selected = false
		out.Children = append(out.Children, &child)
	}
	if img.Root.Right() {
		s.apply(&out)
	}
	return &out
}

func (s Selection) apply(img *Image) {
	var images, runnable []*Child
	for _, c := range img.Children {
		if c.Class == fact.ClassImage {
			images = append(images, c)
		}
		if c.Runnable() {
			runnable = append(runnable, c)
		}
	}
	if len(runnable) == 0 && len(s.Only) == 0 {
		// What says that it is for no platform is still content.
		runnable = images
	}
	switch {
	case s.All:
		for _, c := range images {
			c.Selected = true
		}
	case len(s.Only) > 0:
		for _, want := range s.Only {
			if !mark(runnable, want) {
				img.Children = append(img.Children, &Child{
					Platform: want, Class: fact.ClassImage, Selected: true, Named: true,
					Err: &Error{Op: "select platform", Object: want.String(), Cause: fact.NotFound,
						Err: fmt.Errorf("the image has none such; it has %s", list(runnable))},
				})
			}
		}
	case s.Host != (ref.Platform{}) && len(runnable) > 0:
		found := false
		for _, p := range runsOn(s.Host) {
			found = mark(runnable, p) || found
			if slices.ContainsFunc(runnable, func(c *Child) bool { return c.Selected && !c.unstated() }) {
				return
			}
		}
		if found {
			return
		}
		for i, c := range runnable {
			c.Selected = i == 0 || c.unstated()
		}
	}
}

// runsOn are the platforms whose images runtimes on host run, in the order in which
// they choose: all before an entry of which the index states no platform.
//
// https://github.com/containerd/platforms/blob/v1.0.0-rc.5/compare.go
func runsOn(host ref.Platform) []ref.Platform {
	out := []ref.Platform{host}
	switch host.Normalize().Architecture {
	case "amd64":
		out = append(out, ref.Platform{OS: host.OS, Architecture: "386"})
	case "arm64":
		out = append(out, ref.Platform{OS: host.OS, Architecture: "arm"})
	}
	return out
}

// unstated reports whether the index says no platform of c. Some runtimes take
// such an entry where none is for them, and do not ask what its config says.
//
// https://github.com/containers/image/blob/v5.36.0/internal/manifest/oci_index.go
func (c *Child) unstated() bool {
	return c.Desc.Platform == nil || *c.Desc.Platform == (ref.Platform{})
}

func mark(children []*Child, want ref.Platform) bool {
	found := false
	for _, c := range children {
		if c.Platform.CouldMatch(want) {
			c.Selected, found = true, true
		}
	}
	return found
}

func list(children []*Child) string {
	if len(children) == 0 {
		return "no platform"
	}
	s := ""
	for i, c := range children {
		if i > 0 {
			s += ", "
		}
		s += c.Platform.String()
	}
	return s
}
