package dockerfile

import (
	"bytes"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Match goes by the name: Dockerfile, Containerfile, either with a suffix
// (Dockerfile.dev, Dockerfile-dev), or as one (app.dockerfile). A file of another
// name is one if nothing else is said by its ending, and its first lines are
// instructions.
func (Extractor) Match(p string, head []byte) bool {
	base := strings.ToLower(path.Base(p))
	for _, name := range []string{"dockerfile", "containerfile"} {
		rest, begins := strings.CutPrefix(base, name)
		switch {
		case base == name || strings.HasSuffix(base, "."+name):
			return true
		case !begins || other[path.Ext(rest)]:
		case code[path.Ext(rest)]:
			return content(head)
		case rest[0] == '.':
			return true
		case rest[0] == '-' || rest[0] == '_':
			return fromLine().Match(head)
		}
	}
	ext := path.Ext(base)
	return (ext == "" || ext == ".docker") && content(head)
}

// other are the endings of files about Dockerfiles.
var other = map[string]bool{".dockerignore": true, ".containerignore": true, ".md": true, ".rst": true, ".txt": true}

// code are the endings of programs and data about Dockerfiles, and of Dockerfiles
// of programs: Dockerfile.go is as likely one as the other.
var code = map[string]bool{
	".go": true, ".py": true, ".rb": true, ".js": true, ".ts": true, ".java": true, ".sh": true, ".json": true, ".yaml": true, ".yml": true,
	".toml": true, ".lock": true,
}

var fromLine = lazy.Regexp(`(?mi)^\s*FROM\s+\S`)

// content reports whether head is the beginning of a Dockerfile: its directive
// says so, or FROM is the first instruction, but for ARG, and another one
// follows.
func content(head []byte) bool {
	if name, _, _, ok := parser.DetectSyntax(head); ok && strings.Contains(name, "dockerfile") {
		return true
	}
	from, continues := false, false
	for line := range bytes.Lines(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		was := continues
		continues = line[len(line)-1] == '\\'
		if was {
			continue
		}
		word, rest := line, []byte(nil)
		if i := bytes.IndexAny(line, " \t"); i >= 0 {
			word, rest = line[:i], line[i:]
		}
		name := strings.ToLower(string(word))
		_, known := command.Commands[name]
		switch {
		case !known || len(rest) == 0:
			return false
		case from:
			return true
		case name == command.From:
			from = fromOperand().Match(rest)
			if !from {
				return false
			}
		case name != command.Arg:
			return false
		}
	}
	return false
}

// fromOperand is what FROM can have; a sentence goes on after its first word.
var fromOperand = lazy.Regexp(`(?i)^(\s*--\S+)*\s*\S+(\s+AS\s+\S+)?\s*\\?$`)
