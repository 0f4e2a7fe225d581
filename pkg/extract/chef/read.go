package chef

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A resource is "type 'name' do … end", or without a block.
type resource struct {
	kind       string
	name       span
	at         int // where its line's text begins
	properties map[string]span
}

// A span is a value as it is written: a text in quotes, within them, or else the
// rest of the line.
type span struct {
	start, end int
	literal    bool
}

var (
	// A resource begins a line; its name is a text, or what is evaluated.
	begin = lazy.Regexp(`^([ \t]*)([a-z][a-z0-9_]*)[ \t]*(?:\([ \t]*|[ \t]+)(['"%\[:@a-zA-Z].*)$`)
	// A property is a line of its own.
	property = lazy.Regexp(`^[ \t]+([a-z_]+)[ \t]*(?:\([ \t]*|[ \t]+)(.+)$`)
	doBlock  = lazy.Regexp(`\bdo[ \t]*(?:\|[^|]*\|[ \t]*)?$`)
	opens    = lazy.Regexp(`<<[-~]?(['"]?)([A-Z_a-z][A-Z_a-z0-9]*)`)
)

// kinds are the resources that are read.
var kinds = map[string]bool{
	"docker_container": true, "docker_image": true, "docker_swarm_service": true, "docker_exec": true,
	"package": true, "apt_package": true, "yum_package": true, "dnf_package": true, "gem_package": true, "apk_package": true,
	"zypper_package": true, "pacman_package": true, "snap_package": true, "rpm_package": true, "dpkg_package": true,
	"execute": true, "bash": true, "script": true,
}

// resources returns the resources of a recipe that stand at the beginning of a
// line. What they are in (conditions, loops) is not looked at. open is where a
// text or comment begins that does not end; -1 if there is none.
func resources(f *written.File) (out []resource, open int) {
	s := string(f.Data)
	open = -1
	current, indent := -1, ""
	comment, label := false, ""
	for n := 1; n <= f.Lines(); n++ {
		start, end := f.Line(n)
		line := strings.TrimRight(s[start:end], "\r\n")
		switch {
		case label != "":
			if strings.TrimSpace(line) == label {
				label, open = "", -1
			} else if r := current; r >= 0 {
				out[r].properties["heredoc"] = grow(out[r].properties["heredoc"], start, start+len(line))
			}
			continue
		case strings.HasPrefix(line, "=begin"):
			comment, open = true, start
		case strings.HasPrefix(line, "=end"):
			comment, open = false, -1
			continue
		case strings.HasPrefix(line, "__END__") && !comment:
			return out, open
		}
		if comment {
			continue
		}
		code := uncommented(line)
		if m := opens().FindStringSubmatch(code); m != nil {
			label, open = m[2], start
		}
		if current >= 0 && strings.TrimSpace(code) == "end" && strings.HasPrefix(code, indent+"end") {
			current = -1
			continue
		}
		if current >= 0 {
			if m := property().FindStringSubmatchIndex(code); m != nil {
				name := code[m[2]:m[3]]
				if _, twice := out[current].properties[name]; !twice {
					out[current].properties[name] = value(code, start, m[4])
				}
			}
			continue
		}
		m := begin().FindStringSubmatchIndex(code)
		if m == nil || !kinds[code[m[4]:m[5]]] {
			continue
		}
		r := resource{kind: code[m[4]:m[5]], at: start + m[4], properties: map[string]span{}}
		r.name = value(code, start, m[6])
		out = append(out, r)
		if doBlock().MatchString(code) {
			current, indent = len(out)-1, code[m[2]:m[3]]
		}
	}
	return out, open
}

func grow(s span, start, end int) span {
	if s.end == 0 {
		s.start = start
	}
	s.end = end
	return s
}

// value is what begins at i of a line of code.
func value(code string, start, i int) span {
	quote := code[i]
	if quote == '\'' || quote == '"' {
		if n := strings.IndexByte(code[i+1:], quote); n >= 0 {
			text := code[i+1 : i+1+n]
			rest := strings.TrimSpace(doBlock().ReplaceAllString(code[i+1+n+1:], ""))
			rest = strings.TrimSpace(strings.TrimPrefix(rest, ")"))
			plain := !strings.Contains(text, `\`) && !(quote == '"' && strings.Contains(text, "#{"))
			if plain && rest == "" {
				return span{start + i + 1, start + i + 1 + n, true}
			}
		}
	}
	text := strings.TrimRight(doBlock().ReplaceAllString(code[i:], ""), " \t")
	return span{start + i, start + i + len(text), false}
}

// uncommented is a line without a comment at its end.
func uncommented(line string) string {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return strings.TrimRight(line[:i], " \t")
		}
	}
	return strings.TrimRight(line, " \t")
}
