package layer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// An accountLine is one line of passwd or group.
type accountLine struct {
	name  string
	id    uint32
	group uint32 // of a user
	bad   bool   // numbers that are none: runtimes read them as 0
	last  string // the members of a group
}

// maxAccountLine is bufio.Scanner's limit, at which runtimes fail.
const maxAccountLine = 64 << 10

// accounts returns the captured content of an account file; nil if the image
// has none.
func accounts(t *Tree, path string) ([]byte, fact.Value[fact.User]) {
	var none fact.Value[fact.User]
	if t == nil {
		return nil, fact.Missing[fact.User](fact.Dependency, path+" is in the layers, which were not read")
	}
	e, _, why := t.Lookup(path)
	switch {
	case why == "no such file":
		return nil, none
	case why != "" || e.Type != TypeFile:
		return nil, fact.Missing[fact.User](fact.Unsupported, path+" is not a file that can be read: "+why)
	case e.flags&flagTruncated != 0:
		limit := &limits.ExceededError{What: "size of " + path, Limit: limits.AccountFile, Got: e.Size}
		return nil, fact.Missing[fact.User](fact.Limit, limit.Error())
	case int64(len(e.Head)) != e.Size:
		return nil, fact.Missing[fact.User](fact.Unsupported, path+" is a link to a file of another name, which was not kept")
	}
	return e.Head, none
}

// parseAccounts reads the lines; err is "" or why runtimes would fail.
func parseAccounts(b []byte, fields int) (lines []accountLine, err string) {
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		if len(line) >= maxAccountLine {
			return nil, fmt.Sprintf("has a line of %d bytes, which runtimes refuse", len(line))
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		parts := strings.Split(string(line), ":")
		a := accountLine{name: parts[0], bad: len(parts) < fields-3}
		var ok bool
		if len(parts) > 2 {
			a.id, ok = parseID(parts[2])
		}
		a.bad = a.bad || !ok
		if fields == 7 {
			ok = false
			if len(parts) > 3 {
				a.group, ok = parseID(parts[3])
			}
			a.bad = a.bad || !ok
		} else if len(parts) > 3 {
			a.last = parts[3]
		}
		lines = append(lines, a)
	}
	return lines, ""
}

// isNumber reports digits alone; "+0" and " 0" are numbers to some runtimes and
// names to others.
func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n <= maxID && isNumber(s)
}

// lookup finds the number that name stands for; why is "" if it is certain.
func lookup(name string, lines []accountLine, kind string) (id uint32, why string) {
	var found *accountLine
	for i := range lines {
		if lines[i].name == name {
			found = &lines[i]
			break
		}
	}
	switch {
	case found != nil && found.bad:
		return 0, fmt.Sprintf("names the %s %q, whose line is malformed", kind, name)
	case isNumber(name):
		id, ok := parseID(name)
		if !ok {
			return 0, fmt.Sprintf("names the %s %q, which is out of range", kind, name)
		}
		if found != nil && found.id != id {
			return 0, fmt.Sprintf("names the %s %q, which is also the name of %d: runtimes read it differently", kind, name, found.id)
		}
		return id, ""
	case found != nil:
		return found.id, ""
	case strings.TrimLeft(strings.TrimSpace(name), "+-0123456789") == "":
		return 0, fmt.Sprintf("names the %s %q, which runtimes read differently", kind, name)
	}
	return 0, fmt.Sprintf("names the %s %q, which the image does not have", kind, name)
}
