package resource

import (
	"cmp"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// launchTemplates reads the versions of templates that machines are made by.
func launchTemplates(s *Sink, r Resource) {
	var walk func(v *Value, path string, depth int)
	walk = func(v *Value, path string, depth int) {
		if v == nil || depth > 12 {
			return
		}
		for _, item := range v.Items {
			walk(item, path, depth+1)
		}
		for _, f := range v.Fields {
			at := path + "." + f.Name
			name := Fold(f.Name)
			if (name == "launchtemplate" || name == "launchtemplatespecification" || name == "launchtemplateconfig") && f.Value.there() {
				for _, t := range f.Value.Each() {
					if t.Kind == Map && (t.Get("version") != nil || t.Get("id", "name", "launchTemplateId", "launchTemplateName") != nil) {
						s.launchTemplate(t, at)
					}
				}
			}
			walk(f.Value, at, depth+1)
		}
	}
	walk(r.Body, r.Path, 0)
}

// launchTemplate reads a template's version: a number, $Latest, or $Default, which
// is what none means and which can be set to another.
func (s *Sink) launchTemplate(t *Value, path string) {
	id := t.Get("id", "name", "launchTemplateId", "launchTemplateName")
	if id == nil {
		return
	}
	name := cmp.Or(id.From, id.Text.String())
	version, at := t.child(path, "version")
	switch text := version.Known(); {
	case version == nil:
		s.says(t, path, "launch template "+name+", version $Default", ref.Floating)
	case version.From != "" && version.Kind == Unknown:
		// A version that another resource has just made is written as its number.
		s.says(version, at, "launch template "+name+", version "+version.Text.String(), ref.Fixed)
	case version.Unknown() != "":
		s.machine(version, at, classOfAMI)
	case strings.HasPrefix(text, "$"):
		s.says(version, at, "launch template "+name+", version "+text, ref.Floating)
	default:
		s.says(version, at, "launch template "+name+", version "+text, ref.Fixed)
	}
}

// Public images of Google end in a date; those without one are families.
var (
	datedImage    = lazy.Regexp(`-v?20\d{6}[a-z0-9-]*$`)
	publicProject = lazy.Regexp(`(^|/)(debian|ubuntu-os|ubuntu-os-pro|cos|centos|rhel|rhel-sap|rocky-linux|almalinux|windows|windows-sql|suse|suse-sap|opensuse|fedora|fedora-coreos|freebsd-org|ml-images|deeplearning-platform)(-cloud|-project|-release)?/`)
	publicFamily  = lazy.Regexp(`^(debian|ubuntu|cos|centos|rhel|rocky-linux|almalinux|windows|sles|opensuse|fedora-coreos)-[a-z0-9-]+$`)
)

// classOfGCE is that of an image, a family, or the short form that may be both.
//
// https://cloud.google.com/compute/docs/images/image-families-best-practices
func classOfGCE(s string) ref.Class {
	switch {
	case strings.Contains(s, "/family/") || strings.HasPrefix(s, "family/"):
		return ref.Floating
	case datedImage().MatchString(s):
		return ref.Fixed
	case strings.Contains(s, "global/images/"):
		return ref.Fixed
	case publicProject().MatchString(s) || publicFamily().MatchString(s):
		return ref.Floating
	}
	return ""
}

func imageFamily(s *Sink, r Resource) {
	if !r.Data && r.Type == "google_compute_image" {
		return
	}
	if family, path := r.Body.child(r.Path, "family"); family.there() {
		s.machine(family, path, func(string) ref.Class { return ref.Floating })
		return
	}
	name, path := r.Body.child(r.Path, "name")
	recent, at := r.Body.child(r.Path, "mostRecent")
	switch {
	case name.there():
		s.machine(name, path, func(string) ref.Class { return ref.Fixed })
	case recent.Known() == "true":
		s.says(recent, at, r.Path+" (most recent)", ref.Floating)
	default:
		s.says(r.Body, r.Path, r.Path, "")
	}
}

// classOfAzure is that of an image's ID: one of a gallery without its version, or
// with latest, is the newest.
//
// https://learn.microsoft.com/azure/virtual-machines/shared-image-galleries
func classOfAzure(s string) ref.Class {
	lower := strings.ToLower(s)
	_, version, versioned := strings.Cut(lower, "/versions/")
	switch {
	case versioned && version != "latest":
		return ref.Fixed
	case versioned, strings.Contains(lower, "galleries/"):
		return ref.Floating
	case strings.Contains(lower, "/microsoft.compute/images/"):
		return ref.Fixed
	}
	return ""
}

func azureMachine(s *Sink, r Resource) {
	for _, key := range []string{"sourceImageReference", "storageImageReference", "storageProfileImageReference"} {
		v, path := r.Body.child(r.Path, key)
		s.azureImage(v, path)
	}
	for _, keys := range [][]string{{"storageProfile", "imageReference"}, {"virtualMachineProfile", "storageProfile", "imageReference"}} {
		v, path := r.Body.child(r.Path, keys...)
		s.azureImage(v, path)
	}
	v, path := r.Body.child(r.Path, "sourceImageId")
	s.machine(v, path, classOfAzure)
}

// azureImage reads publisher, offer, sku and version, or an ID.
func (s *Sink) azureImage(v *Value, path string) {
	if !v.there() {
		return
	}
	if v.Kind == Unknown {
		s.machine(v, path, classOfAzure)
		return
	}
	if id, at := v.child(path, "id"); id.there() {
		s.machine(id, at, classOfAzure)
		return
	}
	var parts []string
	for _, key := range []string{"publisher", "offer", "sku"} {
		parts = append(parts, v.Get(key).textOr("?"))
	}
	version, at := v.child(path, "version")
	if version.Unknown() != "" {
		s.machine(version, at, classOfAzure)
		return
	}
	text := cmp.Or(version.Known(), "latest")
	class := ref.Fixed
	if strings.EqualFold(text, "latest") {
		class = ref.Floating
	}
	if version == nil {
		version, at = v, path
	}
	s.says(version, at, strings.Join(append(parts, text), ":"), class)
}

func (v *Value) textOr(other string) string {
	if v == nil {
		return other
	}
	return cmp.Or(v.Text.String(), other)
}

func azureLookup(s *Sink, r Resource) {
	if !r.Data {
		return
	}
	key := "name"
	if r.Type == "azurerm_platform_image" {
		key = "version"
	}
	version, path := r.Body.child(r.Path, key)
	switch {
	case version.Unknown() != "":
		s.machine(version, path, classOfAzure)
	case version == nil, strings.EqualFold(version.Known(), "latest"), strings.EqualFold(version.Known(), "recent"):
		at := version
		if at == nil {
			at = r.Body
		}
		s.says(at, path, r.Path+" (latest)", ref.Floating)
	default:
		s.says(version, path, r.Path+" "+version.Known(), ref.Fixed)
	}
}
