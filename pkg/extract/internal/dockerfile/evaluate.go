package dockerfile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// scratch is the image without content.
const scratch = "scratch"

func (r *reader) read(in instruction) {
	switch _, known := command.Commands[in.word]; {
	case in.word == "": // a line that goes on, at the end of the file
	case !known:
		r.unknown(in)
	case in.word == command.Arg:
		r.arg(in)
	case in.word == command.From:
		r.stage++
		r.from(in, fmt.Sprintf("stages[%d].from", r.stage-1))
	case in.word == command.Onbuild && in.on.word == command.From:
		r.from(*in.on, r.path("onbuild", "from"))
	case in.word == command.Onbuild:
		r.sources(*in.on, r.path("onbuild", in.on.word), true)
	default:
		r.sources(in, r.path("", in.word), false)
	}
}

// unknown names the first of many: a file of another kind has nothing else.
func (r *reader) unknown(in instruction) {
	switch r.strange++; {
	case r.strange <= maxBad:
		r.problemAt(in.text, in.line, "unknown instruction %q", clip(in.word))
	case r.strange == maxBad+1:
		r.add(r.offset(in.text, in.line), fact.Limit, "more than %d unknown instructions; the others are not named", maxBad)
	}
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// path is the place of the next instruction of its kind in the stage.
func (r *reader) path(before, word string) string {
	p := before
	if r.stage > 0 {
		p = strings.TrimSuffix(fmt.Sprintf("stages[%d].%s", r.stage-1, before), ".")
	}
	p = strings.TrimPrefix(p+"."+word, ".")
	r.counts[p]++
	return fmt.Sprintf("%s[%d]", p, r.counts[p]-1)
}

func (r *reader) arg(in instruction) {
	for _, word := range in.args {
		name, _, hasDefault := strings.Cut(word.String(), "=")
		a := r.args[name]
		given, isGiven := r.build.Args[name]
		switch {
		case r.stage > 0:
			a.again = true
			if _, global := r.args[name]; !global {
				continue
			}
		case isGiven:
			a.Value, a.set = given, true
		case hasDefault:
			a.Value, a.set = r.expand(word.Slice(len(name)+1, word.Len())), true
		}
		r.args[name] = a
	}
}

func (r *reader) from(in instruction, path string) {
	if len(in.args) == 0 {
		r.problemAt(in.text, in.line, "FROM without an image")
		return
	}
	operand := in.args[0]
	if n := len(in.args); n != 1 && (n != 3 || !strings.EqualFold(in.args[1].String(), "as")) {
		r.problemAt(operand, in.line, "FROM takes an image, or an image AS a name; after %q stands %q",
			clip(operand.String()), clip(in.args[1].String()))
	}
	v := r.expand(operand)
	if v.Unresolved == "" && v.Text.Len() == 0 {
		v = written.Unknown(operand, "it is empty without build arguments")
	}
	stages := max(0, r.stage-1)
	if r.noImage(v, stages) || strings.HasSuffix(v.Unresolved, ofPlatform) && matchesStage(anyVariable(), operand.String(), r.names[:stages]) {
		return
	}
	var platform ref.Platform
	for _, flag := range in.flags {
		if value, ok := flagValue(flag, "platform"); ok {
			platform = r.platform(value, in.line)
		}
	}
	r.reference(v, in, operand, path, platform)
}

// noImage reports whether v names what no registry has: nothing, one of the
// first stages, or a context that is given to the build.
func (r *reader) noImage(v written.Value, stages int) bool {
	name := v.Text.String()
	if v.Unresolved != "" {
		return matchesStage(platformVariable(), name, r.names[:stages])
	}
	i, named := r.byName[strings.ToLower(name)]
	return name == scratch || named && i < stages || len(r.build.Contexts) > 0 && r.build.Contexts[ContextName(name)]
}

// Bounds of the stages that are tried for each FROM.
const (
	maxStages    = 200
	maxStageName = 1024
)

var platformVariable = lazy.Regexp(`\$\{?(?:BUILD|TARGET)(?:OS|ARCH|VARIANT)\}?`)

// anyVariable is one whose value is made of the platform's.
var anyVariable = lazy.Regexp(`\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})`)

// matchesStage: "FROM base-${TARGETARCH}" chooses between the stages that are
// there; a build for another platform has nothing to build on.
func matchesStage(variable *regexp.Regexp, name string, stages []string) bool {
	if !strings.Contains(name, "$") || len(name) > maxStageName || len(stages) > maxStages {
		return false
	}
	parts := variable.Split(name, -1)
	if literal := strings.Join(parts, ""); len(parts) < 2 || literal == "" || strings.Contains(literal, "$") {
		return false
	}
	for i := range parts {
		parts[i] = regexp.QuoteMeta(strings.ToLower(parts[i]))
	}
	pattern := regexp.MustCompile(`^` + strings.Join(parts, `[a-z0-9]*`) + `$`)
	return slices.ContainsFunc(stages, func(s string) bool { return s != "" && pattern.MatchString(s) })
}

func flagValue(flag written.Text, name string) (written.Text, bool) {
	key, _, ok := strings.Cut(flag.String(), "=")
	if !ok || key != "--"+name {
		return written.Text{}, false
	}
	return flag.Slice(len(key)+1, flag.Len()), true
}

// platform is zero where it depends on the build.
func (r *reader) platform(text written.Text, line int) ref.Platform {
	v := r.expand(text)
	if v.Unresolved != "" {
		return ref.Platform{}
	}
	p, err := written.Platform(v.Text.String())
	if err != nil {
		r.problemAt(text, line, "%v", err)
	}
	return p
}

// sources finds what COPY and RUN take files from.
func (r *reader) sources(in instruction, path string, later bool) {
	mounts := 0
	for _, flag := range in.flags {
		switch in.word {
		case command.Copy, command.Add:
			if from, ok := flagValue(flag, "from"); ok {
				r.source(from, in, path+".from", later)
			}
		case command.Run:
			if mount, ok := flagValue(flag, "mount"); ok {
				if from, ok := r.mountFrom(mount, in.line); ok {
					r.source(from, in, fmt.Sprintf("%s.mount[%d].from", path, mounts), later)
				}
				mounts++
			}
		}
	}
}

var stageName = lazy.Regexp(`^[a-z][a-z0-9-_.]*$`)

// source is an image, if it is not a stage, by name or number, or a context. Of
// ONBUILD it is looked up later, among the stages of another file.
func (r *reader) source(from written.Text, in instruction, path string, later bool) {
	v, name := written.Known(from), from.String()
	index, err := strconv.Atoi(name)
	switch {
	case name == "" || r.noImage(v, len(r.names)):
		return
	case err == nil && (later || index >= 0 && index < len(r.names)):
		return
	case err == nil:
		r.problemAt(from, in.line, "there is no stage %d", index)
		return
	case strings.Contains(name, "$"):
		v = written.Unknown(from, "variables mean nothing here; name a stage that is FROM it")
	case later && stageName().MatchString(name):
		v = written.Unknown(from, "it may be a stage of the file that is built on this one")
	}
	r.reference(v, in, from, path, ref.Platform{})
}

// reference notes what v names, for the operand of in.
func (r *reader) reference(v written.Value, in instruction, operand written.Text, path string, p ref.Platform) {
	use := written.Use{File: r.file, Offset: r.offset(operand, in.line), Path: path}
	f := v.Found(ref.KindImage, use)
	f.Platform = p
	line, _ := r.file.Position(use.Offset)
	f.Ignored = r.file.IgnoresAbove(line, "#")
	own, _ := r.file.Line(in.line + 1)
	for _, o := range append([]written.Place{{File: r.file, Offset: own}}, v.Text.Places()...) {
		n, _ := o.File.Position(o.Offset)
		if o.File == r.file && n == line {
			continue
		}
		also := o.File.IgnoresAbove(n, "#", "//")
		if o.File != r.file {
			also = append(o.File.IgnoresBeside(n, "#", "//"), also...)
		}
		for _, i := range also {
			if !slices.Contains(f.Ignored, i) {
				f.Ignored = append(f.Ignored, i)
			}
		}
	}
	r.found = append(r.found, written.Reference{Found: f, Text: v.Text})
}

// keepTags: a digest behind a tag that stands in a build argument goes wherever
// the argument goes. Where a stage takes it in, that may be a file name.
func (r *reader) keepTags() {
	for i := range r.found {
		f := &r.found[i]
		if f.Site == nil || f.Site.Style != extract.StyleTag {
			continue
		}
		for _, a := range r.args {
			if a.again && a.Text.Covers(f.Site) {
				f.Site = nil
				break
			}
		}
	}
}
