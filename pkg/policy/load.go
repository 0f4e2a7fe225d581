package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A Loader gives a policy what it is read from. The policy itself opens nothing.
type Loader struct {
	// Embedded holds the versioned policies: baseline.yaml is baseline@1,
	// baseline@2.yaml its successor.
	Embedded fs.FS
	// ReadFile reads a policy file, or a key or trust root that one names. name has
	// slashes and is absolute or relative as the user's own path is. It should stop
	// reading at a limit.
	ReadFile func(name string) ([]byte, error)
	// Checks are all checks there are. With none, IDs in policies are not looked
	// up, since has no effect, and nothing is said about what is not covered.
	Checks []check.Check
}

const (
	maxExtends = 8
	maxMirrors = 100
)

// source is one file of a chain of policies.
type source struct {
	document
	doc      *strictyaml.Document
	file     string
	embedded bool
	digests  map[string][]byte // the files that it names, by the text that names them
}

// Load reads the policy that nameOrFile is, and all that it extends. A text with
// a slash or ending in .yaml or .yml is a file, anything else the name of an
// embedded policy with or without a version: "baseline", "baseline@1". Errors in
// the text of a file are of type [strictyaml.Errors].
func Load(l Loader, nameOrFile string) (*Policy, error) {
	chain, err := l.chain(nameOrFile, "", nil)
	if err != nil {
		return nil, err
	}
	return l.compile(chain)
}

// chain reads nameOrFile, written in a file of the folder dir, and its parents,
// the topmost first.
func (l Loader) chain(nameOrFile, dir string, below []string) ([]*source, error) {
	src, err := l.source(nameOrFile, dir)
	if err != nil {
		return nil, err
	}
	for _, b := range below {
		if b == src.file {
			return nil, fmt.Errorf("load policy %s: it extends itself: %s", src.file, strings.Join(append(below, src.file), " → "))
		}
	}
	if below = append(below, src.file); len(below) > maxExtends {
		return nil, fmt.Errorf("load policy %s: more than %d policies extend each other: %s", src.file, maxExtends, strings.Join(below, " → "))
	}
	if src.Extends == "" {
		return []*source{src}, nil
	}
	if src.embedded && isFile(src.Extends) {
		return nil, strictyaml.Errors{src.doc.Errorf([]any{"extends"}, "an embedded policy extends embedded policies only")}
	}
	parents, err := l.chain(src.Extends, path.Dir(src.file), below)
	if err != nil {
		var errs strictyaml.Errors
		if errors.As(err, &errs) {
			return nil, err
		}
		return nil, strictyaml.Errors{src.doc.Errorf([]any{"extends"}, "%v", err)}
	}
	return append(parents, src), nil
}

func isFile(s string) bool {
	return strings.Contains(s, "/") || strings.HasSuffix(s, ".yaml") || strings.HasSuffix(s, ".yml")
}

func (l Loader) source(nameOrFile, dir string) (*source, error) {
	src := &source{digests: map[string][]byte{}}
	var data []byte
	var err error
	if isFile(nameOrFile) {
		src.file = inFolder(dir, nameOrFile)
		data, err = l.read(src.file)
	} else {
		src.embedded = true
		src.file, data, err = l.readEmbedded(nameOrFile)
	}
	if err != nil {
		return nil, fmt.Errorf("load policy %q: %w", nameOrFile, err)
	}
	src.doc, err = strictyaml.Decode(src.file, data, &src.document)
	if err != nil {
		return nil, err
	}
	_, versioned := splitVersion(src.Name)
	switch {
	case src.embedded && !versioned:
		return nil, strictyaml.Errors{src.doc.Errorf([]any{"name"}, "an embedded policy's name has a version")}
	case !src.embedded && (versioned || l.isEmbedded(src.Name)):
		return nil, strictyaml.Errors{src.doc.Errorf([]any{"name"}, "%q is the name of a policy that comes with intact; choose another", src.Name)}
	}
	return src, nil
}

// inFolder is name as seen from where dir is relative to.
func inFolder(dir, name string) string {
	if dir == "" || path.IsAbs(name) || driveLetter().MatchString(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

var (
	driveLetter = lazy.Regexp(`^[A-Za-z]:/`) // of a path on Windows, with slashes
	urlScheme   = lazy.Regexp(`(?i)^[a-z][a-z0-9+.-]+:/`)
)

func (l Loader) read(name string) ([]byte, error) {
	if urlScheme().MatchString(name) {
		return nil, errors.New("policies, keys and roots are files; nothing is fetched from a URL")
	}
	if l.ReadFile == nil {
		return nil, errors.New("no files can be read here")
	}
	return l.ReadFile(name)
}

func splitVersion(name string) (base string, versioned bool) {
	base, _, versioned = strings.Cut(name, "@")
	return base, versioned
}

// readEmbedded returns the embedded policy that name is and the name with its
// version, of a bare name the newest.
func (l Loader) readEmbedded(name string) (string, []byte, error) {
	files, newest := l.embedded()
	full := name
	if _, versioned := splitVersion(name); !versioned {
		full = newest[name]
	}
	file, ok := files[full]
	if !ok {
		var all []string
		for n := range newest {
			all = append(all, n)
		}
		sortStrings(all)
		return "", nil, fmt.Errorf("no policy of that name comes with intact; there are %s%s; a file's name ends in .yaml or holds a /",
			strings.Join(all, ", "), strictyaml.DidYouMean(name, append(all, names(files)...)))
	}
	data, err := fs.ReadFile(l.Embedded, file)
	return full, data, err
}

func (l Loader) isEmbedded(name string) bool {
	_, newest := l.embedded()
	_, ok := newest[name]
	return ok
}

// embedded returns the files of the embedded policies by name and version, and
// the newest of each name.
func (l Loader) embedded() (files, newest map[string]string) {
	files, newest = map[string]string{}, map[string]string{}
	if l.Embedded == nil {
		return files, newest
	}
	versions := map[string]int{}
	entries, _ := fs.Glob(l.Embedded, "*.yaml")
	for _, file := range entries {
		name := strings.TrimSuffix(file, ".yaml")
		base, version := name, 1
		if b, v, ok := strings.Cut(name, "@"); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				continue
			}
			base, version = b, n
		}
		full := base + "@" + strconv.Itoa(version)
		files[full] = file
		if version > versions[base] {
			versions[base], newest[base] = version, full
		}
	}
	return files, newest
}
