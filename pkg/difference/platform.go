package difference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// baseLabels are how builders name the base of an image.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
var baseLabels = []string{"org.opencontainers.image.base.digest", "org.opencontainers.image.base.name"}

// platform compares the images of one platform whose manifests differ.
func (c *comparison) platform(name string, was, is Platform) {
	if was.ID != "" && was.ID == is.ID {
		c.add(name, Compression, "the same files and settings; only the manifest is new: layers compressed anew, or other annotations")
		return
	}
	if was.Config.State != fact.Known || is.Config.State != fact.Known {
		missing := is.Config.Status()
		if was.Config.State != fact.Known {
			missing = was.Config.Status()
		}
		c.unknown(fmt.Sprintf("%s: a config is not known: %s", name, why(missing)))
		return
	}
	before, after := was.Config.V, is.Config.V
	found := len(c.out.Changes)
	c.command(name, before, after)
	c.settings(name, before, after)
	c.layers(name, before, after)
	if labels := changedKeys(before.Labels, after.Labels); len(labels) > 0 {
		c.add(name, Labels, "labels: "+few(labels))
	}
	if found == len(c.out.Changes) {
		c.add(name, Labels, "built anew: the time of the build and the history differ, files and settings do not")
	}
}

// command compares who runs what.
func (c *comparison) command(name string, before, after fact.Config) {
	if before.User != after.User {
		c.add(name, Command, fmt.Sprintf("user: %s, was %s", user(after.User), user(before.User)))
	}
	if !slices.Equal(before.Entrypoint, after.Entrypoint) {
		c.add(name, Command, fmt.Sprintf("entrypoint: %q, was %q", after.Entrypoint, before.Entrypoint))
	}
	if !slices.Equal(before.Cmd, after.Cmd) {
		c.add(name, Command, fmt.Sprintf("command: %q, was %q", after.Cmd, before.Cmd))
	}
}

func user(s string) string {
	if s == "" {
		return "root"
	}
	return fmt.Sprintf("%q", s)
}

// settings compares the rest of how it is run. Values of the environment are not
// printed: there are secrets in some.
func (c *comparison) settings(name string, before, after fact.Config) {
	if env := changedKeys(environment(before.Env), environment(after.Env)); len(env) > 0 {
		k := Settings
		if slices.ContainsFunc(env, choosesCode) {
			k = Command
		}
		c.add(name, k, "environment: "+few(env))
	}
	if before.WorkingDir != after.WorkingDir {
		c.add(name, Settings, fmt.Sprintf("working directory: %q, was %q", after.WorkingDir, before.WorkingDir))
	}
	if !slices.Equal(before.Volumes, after.Volumes) {
		c.add(name, Settings, fmt.Sprintf("volumes: %q, were %q", after.Volumes, before.Volumes))
	}
}

// choosesCode reports whether a variable decides which code is run.
func choosesCode(text string) bool {
	name, _, _ := strings.Cut(text, " ")
	return slices.Contains([]string{"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "NODE_OPTIONS", "CLASSPATH", "RUBYOPT", "PERL5LIB", "JAVA_TOOL_OPTIONS"}, name)
}

// layers compares the file trees.
func (c *comparison) layers(name string, before, after fact.Config) {
	common := 0
	for common < min(len(before.DiffIDs), len(after.DiffIDs)) && before.DiffIDs[common] == after.DiffIDs[common] {
		common++
	}
	complete := len(before.DiffIDs) == before.LayerCount && len(after.DiffIDs) == after.LayerCount
	switch {
	case complete && slices.Equal(before.DiffIDs, after.DiffIDs):
		return
	case common == 0 && len(before.DiffIDs) > 0 && len(after.DiffIDs) > 0, otherBase(before.Labels, after.Labels):
		c.add(name, Base, base(before, after))
	}
	files, asked := c.files[name]
	switch {
	case !asked:
		c.unknown(fmt.Sprintf("%s: files: %s; they were not compared", name, newLayers(common, after.DiffIDs)))
	case files.State == fact.Unknown:
		c.unknown(fmt.Sprintf("%s: files: %s", name, why(fact.Status{State: files.State, Cause: files.Cause, Why: files.Why})))
	default:
		c.changed(name, files)
	}
}

func newLayers(common int, diffIDs []ref.Digest) string {
	return fmt.Sprintf("%d of %d layers are new", len(diffIDs)-common, len(diffIDs))
}

func otherBase(before, after map[string]string) bool {
	return slices.ContainsFunc(baseLabels, func(l string) bool { return before[l] != after[l] })
}

func base(before, after fact.Config) string {
	for _, l := range baseLabels {
		if before.Labels[l] != after.Labels[l] {
			return fmt.Sprintf("base image: %q, was %q, by its label", after.Labels[l], before.Labels[l])
		}
	}
	return "base image: the lowest layer is another one"
}

// changed counts changed files by what they are good for.
func (c *comparison) changed(name string, files fact.List[fact.FileChange]) {
	by := map[fact.FileKind][]string{}
	for _, p := range files.Parts {
		if p.State != fact.Known {
			c.unknown(fmt.Sprintf("%s: %s", name, why(p.Status())))
			continue
		}
		by[p.V.Kind] = append(by[p.V.Kind], fmt.Sprintf("%s %s", p.V.Path, p.V.What))
	}
	for _, k := range slices.Sorted(maps.Keys(by)) {
		kind := Data
		switch k {
		case fact.FileExecutable, fact.FileLibrary, fact.FileScript:
			kind = Code
		case fact.FileConfiguration:
			kind = Configuration
		}
		c.add(name, kind, fmt.Sprintf("%s: %s", countFiles(k, len(by[k])), few(by[k])))
	}
	if len(files.Parts) == 0 {
		c.add(name, Compression, "other layers that come to the same files")
	}
}

func countFiles(k fact.FileKind, n int) string {
	noun := map[fact.FileKind][2]string{
		fact.FileExecutable: {"executable", "executables"}, fact.FileLibrary: {"library", "libraries"}, fact.FileScript: {"script", "scripts"},
		fact.FileConfiguration: {"configuration file", "configuration files"}, fact.FileData: {"other file", "other files"},
	}[k]
	if n == 1 {
		return "1 " + noun[0]
	}
	return fmt.Sprintf("%d %s", n, noun[1])
}

// environment is a list of NAME=VALUE by name.
func environment(list []string) map[string]string {
	out := map[string]string{}
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		out[name] = value
	}
	return out
}

// changedKeys says which keys differ, sorted.
func changedKeys(before, after map[string]string) []string {
	var out []string
	for k, v := range after {
		if was, ok := before[k]; !ok {
			out = append(out, k+" added")
		} else if was != v {
			out = append(out, k+" changed")
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			out = append(out, k+" removed")
		}
	}
	slices.Sort(out)
	return out
}

const shown = 5

// few names the first and counts the rest.
func few(list []string) string {
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
}
