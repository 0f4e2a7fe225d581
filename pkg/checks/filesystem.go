package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// notUnix says why the rules about file modes and users do not apply: Windows
// has neither.
func notUnix(s *fact.Set) string {
	if c := s.Config; c.State == fact.Known && c.V.Platform.OS == "windows" {
		return "windows image"
	}
	return ""
}

// tree returns the merged tree, or the reason why there is none to judge. A
// tree that is merely Unknown never gets here.
func tree(s *fact.Set) (fact.Filesystem, string) {
	if s.Filesystem.State != fact.Known {
		return fact.Filesystem{}, "there is no file tree"
	}
	return s.Filesystem.V, ""
}

// knownUser is the answer of a check that depends on the image's user where he
// is not known; the zero Answer means that he is.
func knownUser(s *fact.Set) check.Answer {
	switch u := s.User; {
	case u.State == fact.Known:
		return check.Answer{}
	case u.State == fact.Unknown && u.Cause == fact.NotAsked:
		return check.Answer{NotAsked: orElse(u.Why, "the layers were not read")}
	default:
		return undecided(u.Cause, "%s", orElse(u.Why, "the image's user is not known"))
	}
}

// aboveToo ends a fix that spells out paths: a directory above them that is not
// root's lets its owner replace all of it.
const aboveToo = ", and the same for any directory above that is not root's"

// groupFindings makes one finding of each group. Say gets the paths as words and
// says what is wrong with them.
func groupFindings(groups []fact.PathGroup, say func(paths string, g fact.PathGroup) string, fix func(fact.PathGroup) string) []check.Finding {
	var out []check.Finding
	for _, g := range groups {
		f := pathFinding(g)
		f.Message = say(showPaths(g.Paths, g.Dir, g.Count), g) + inLayer(f.Layer, g.CreatedBy)
		f.Fix, f.Detail = fix(g), g.Detail
		out = append(out, f)
	}
	return out
}

func pathFinding(g fact.PathGroup) check.Finding {
	return check.Finding{
		Paths: g.Paths, Dir: g.Dir, Count: max(g.Count, len(g.Paths)),
		Layer: g.Layer + 1, CreatedBy: g.CreatedBy,
	}
}

// withDetail appends a group's detail in parentheses.
func withDetail(paths string, g fact.PathGroup) string {
	if g.Detail == "" {
		return paths
	}
	return paths + " (" + g.Detail + ")"
}

// commandPaths is how many paths a fix spells out before it goes by directory.
const commandPaths = 5

// spell returns the paths of g for a shell command if all are known and few, and
// else its directory. All is false if it is the directory; the result is "" if
// neither can be written in a shell or the directory is the root.
func spell(g fact.PathGroup) (words string, all bool) {
	all = len(g.Paths) > 0 && len(g.Paths) <= commandPaths && g.Count <= len(g.Paths)
	paths := g.Paths
	if !all {
		if g.Dir == "/" || g.Dir == "" {
			return "", false
		}
		paths = []fact.Bytes{g.Dir}
	}
	var out []string
	for _, p := range paths {
		w, ok := shellWord(string(p))
		if !ok {
			return "", false
		}
		out = append(out, w)
	}
	return strings.Join(out, " "), all
}

// run returns the instruction that applies a command to the paths of g: to each
// of them or, if they are many, with -R to their directory. Otherwise is what to
// say if neither can be written down.
func run(g fact.PathGroup, otherwise string, commands ...string) string {
	words, all := spell(g)
	if words == "" {
		return otherwise
	}
	var out []string
	for _, c := range commands {
		if !all {
			c = strings.Replace(c, " ", " -R ", 1)
		}
		out = append(out, c+" "+words)
	}
	return "RUN " + strings.Join(out, " && ")
}

var chownFlag = lazy.Regexp(`--chown=\S+`)

// chownFix rewrites the instruction that gave files away, if that is what it
// was. The rest of the instruction is outside text and is shown as such.
func chownFix(createdBy string) (string, bool) {
	line := instruction(createdBy)
	if !strings.HasPrefix(line, "COPY ") && !strings.HasPrefix(line, "ADD ") || !chownFlag().MatchString(line) {
		return "", false
	}
	// BuildKit's history shows the flag with its value, so the first one is it.
	at := chownFlag().FindStringIndex(line)
	return historyLine(line[:at[0]] + "--chown=root" + line[at[1]:]), true
}

// sayUser names a user as "app (1000)", or by number alone.
func sayUser(u fact.User) string {
	if u.Name == "" {
		return fmt.Sprintf("user %d", u.UID)
	}
	return fmt.Sprintf("%s (%d)", show(u.Name), u.UID)
}

// layScopes and layNeeds are those of all checks of the file tree.
func layScopes() []check.Scope { return []check.Scope{check.ScopePlatform} }

func layNeeds() []fact.Kind { return []fact.Kind{fact.KImage, fact.KConfig, fact.KFilesystem} }
