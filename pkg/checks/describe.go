package checks

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// listed is how many paths a message names before it counts them.
const listed = 3

// maxHistory is how many characters of a history line a message shows; the
// finding carries all of it.
const maxHistory = 100

// show returns s as it is if it cannot be mistaken for anything else or change
// a terminal, and quoted if it can.
func show(s string) string {
	if s == "" || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if !strconv.IsPrint(r) || strings.ContainsRune(" \"'`,;:", r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// showWords shows each word of s, for names that we made of several.
func showWords(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = show(w)
	}
	return strings.Join(words, " ")
}

// showPaths names paths: all of them if they are few, else one and a count.
// Count may be larger than len(paths); then all lie below dir.
func showPaths(paths []fact.Bytes, dir fact.Bytes, count int) string {
	count = max(count, len(paths))
	if len(paths) == 0 {
		return fmt.Sprintf("%s below %s", plural(count, "path"), show(string(dir)))
	}
	if count == len(paths) && count <= listed {
		var out []string
		for _, p := range paths {
			out = append(out, show(string(p)))
		}
		return strings.Join(out, ", ")
	}
	s := fmt.Sprintf("%s and %s more", show(string(paths[0])), plural(count-1, "path"))
	s = strings.Replace(s, " paths more", " more paths", 1)
	s = strings.Replace(s, " path more", " more path", 1)
	if dir != "" && dir != "/" {
		s += " below " + show(string(dir))
	}
	return s
}

// inLayer says where something comes from: ", layer 7: COPY . /app". The layer
// counts from 1; 0 is none.
func inLayer(layer int, createdBy string) string {
	if layer == 0 {
		return ""
	}
	s := fmt.Sprintf(", layer %d", layer)
	if line := historyLine(createdBy); line != "" {
		s += ": " + line
	}
	return s
}

// Builders write the shell call in front of each RUN, with the build arguments
// ("|1 VERSION=1.2 /bin/sh -c …"); classic ones do so for all instructions and
// mark those that run nothing, and BuildKit puts a comment behind.
var shellCall = lazy.Regexp(`^(?:RUN )?(?:\|\d+ .*?)?/bin/sh -c (?:#\(nop\) +)?`)

// instruction returns the Dockerfile instruction of a history line.
func instruction(createdBy string) string {
	nop := strings.Contains(createdBy, "#(nop)")
	line := shellCall().ReplaceAllString(createdBy, "")
	if line != createdBy && !nop {
		line = "RUN " + line
	}
	return strings.Join(strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), "# buildkit")), " ")
}

// historyLine returns a history line for a message: one line, no control
// characters, not too long.
func historyLine(createdBy string) string {
	line := instruction(createdBy)
	if r := []rune(line); len(r) > maxHistory {
		line = string(r[:maxHistory]) + "…"
	}
	for _, r := range line {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(line)
		}
	}
	return line
}

// plural returns "1 path" or "3,912 paths".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

func thousands(n int) string {
	if n < 0 {
		return strconv.Itoa(n)
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var plainWord = lazy.Regexp(`^[\w./@%+=:-]+$`)

// shellWord quotes s for a POSIX shell; false if it cannot be shown in one.
func shellWord(s string) (string, bool) {
	if plainWord().MatchString(s) {
		return s, true
	}
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return "", false
		}
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", true
}

// commonDir returns the deepest directory that holds all paths.
func commonDir(paths []fact.Bytes) fact.Bytes {
	if len(paths) == 0 {
		return "/"
	}
	dir := path.Dir(absolute(paths[0]))
	for _, p := range paths[1:] {
		for dir != "/" && !strings.HasPrefix(absolute(p), dir+"/") {
			dir = path.Dir(dir)
		}
	}
	return fact.Bytes(dir)
}

func absolute(p fact.Bytes) string { return path.Clean("/" + string(p)) }
