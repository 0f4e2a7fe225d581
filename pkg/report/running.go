package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
)

// inventory prints what runs in one place: its verdict, what was seen, the
// causes with the workloads under them, and what was not examined.
func (p *printer) inventory(r *Report, inv Inventory) {
	v := viewOf(r, inv)
	p.title(strings.TrimSpace(inv.Kind+" "+inv.Name), v.decision, v.verdict())
	p.wrap(v.seen(inv), " ", " ")
	p.causes(v.spots, policy.Deny)
	telling := v.results(false)
	p.open(telling)
	p.causes(v.spots, policy.Warn)
	p.accepted(telling)
	p.notes(telling)
	if p.Verbose {
		p.quiet(v.results(true))
	}
	p.line("")
	p.coverage(v, inv)
}

// A view is the part of a report that is about one inventory.
type view struct {
	targets  []*Target
	images   []*Image
	spots    []spot
	decision policy.Decision
}

func viewOf(r *Report, inv Inventory) *view {
	v := &view{decision: policy.Allow}
	at := map[*Image][]imagePlaces{}
	index := r.imageIndex()
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Inventory != inv.Name || t.Inventory == "" {
			continue
		}
		v.targets = append(v.targets, t)
		v.decision = policy.Worst(v.decision, t.Verdict.Decision)
		places := placesOf(t, inv)
		results := told(t.Results)
		for _, res := range results {
			v.spots = append(v.spots, spot{res, places})
		}
		if img := index[imageKey{t.Image, t.ImageName}]; img != nil && t.Image != "" {
			if at[img] == nil {
				v.images = append(v.images, img)
			}
			at[img] = append(at[img], imagePlaces{places, t.Moot})
		}
	}
	for _, img := range v.images {
		for _, res := range img.Results {
			v.spots = append(v.spots, spot{res, placesFor(res.Check, at[img])})
		}
	}
	return v
}

// An imagePlaces is where an image runs, and what of it does not matter there.
type imagePlaces struct {
	places []place
	moot   []Moot
}

func placesFor(id string, all []imagePlaces) []place {
	var out []place
	for _, a := range all {
		i := slices.IndexFunc(a.moot, func(m Moot) bool { return m.Check == id })
		for _, p := range a.places {
			if i >= 0 {
				p.moot = a.moot[i].Why
			}
			out = append(out, p)
		}
	}
	return out
}

// told are the results of one target with what is part of another's story told
// there. That a reference has no digest is the same words from another side.
func told(results []*Result) []*Result {
	parts := map[string][]string{}
	for _, r := range results {
		if r.PartOf == "" || strings.HasPrefix(r.Check, "REF") {
			continue
		}
		for _, f := range r.Findings {
			if !f.Note {
				parts[r.PartOf] = slices.Concat(parts[r.PartOf], []string{f.Message}, f.Consequences)
			}
		}
	}
	if len(parts) == 0 {
		return results
	}
	out := slices.Clone(results)
	for i, r := range out {
		if so := parts[r.Check]; len(so) > 0 && r.PartOf == "" && len(r.Findings) > 0 {
			// What does happen takes the place of what may.
			told := *r
			told.Findings = slices.Clone(r.Findings)
			told.Findings[0].Consequences = so
			out[i] = &told
		}
	}
	return out
}

type imageKey struct {
	id   any
	name string
}

func (r *Report) imageIndex() map[imageKey]*Image {
	out := make(map[imageKey]*Image, len(r.Images))
	for i := range r.Images {
		out[imageKey{r.Images[i].ID, r.Images[i].Image}] = &r.Images[i]
	}
	return out
}

// results are those of all targets; passed includes those that say nothing but
// that they passed or were not asked for.
func (v *view) results(passed bool) []*Result {
	var out []*Result
	for _, s := range v.spots {
		if passed || s.Open() || s.Excepted > 0 || len(s.Findings) > 0 {
			out = append(out, s.Result)
		}
	}
	return out
}

// verdict says the decision and how many causes warn.
func (v *view) verdict() string {
	s := strings.ToUpper(verdictWord(v.decision))
	switch n := len(slices.DeleteFunc(causesOf(v.spots, policy.Warn), (*cause).matterless)); n {
	case 0:
		return s
	case 1:
		return s + ", 1 warning"
	default:
		return fmt.Sprintf("%s, %d warnings", s, n)
	}
}

func (v *view) seen(inv Inventory) string {
	var parts []string
	for _, c := range inv.Counts {
		parts = append(parts, counted(c.N, c.What))
	}
	if inv.Finished > 0 {
		parts = append(parts, counted(inv.Finished, "finished containers")+", not judged")
	}
	if inv.Kind == "files" {
		parts = append(parts, counted(len(v.images), "images"))
	} else {
		parts = append(parts, counted(len(v.images), "images")+" running")
	}
	s := strings.Join(parts, ", ")
	if inv.Version != "" {
		s += "; " + inv.Version
	}
	return s
}

// counted is a number of things, given in the plural.
func counted(n int, things string) string {
	if n == 1 {
		things = strings.TrimSuffix(things, "s")
		if strings.HasSuffix(things, "namespace") || !strings.HasSuffix(things, "se") {
			return "1 " + things
		}
	}
	return fmt.Sprintf("%d %s", n, things)
}

// causes prints the failed checks that led to d, each with its worst causes.
func (p *printer) causes(spots []spot, d policy.Decision) {
	all := slices.DeleteFunc(causesOf(spots, d), (*cause).matterless)
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(c *cause) bool { return c.check != all[0].check })
		if n < 0 {
			n = len(all)
		}
		p.check(all[:n])
		all = all[n:]
	}
}

func (p *printer) check(causes []*cause) {
	p.line("")
	p.heading(causes[0].decision, causes[0].check, nil)
	limit := examples
	if p.Verbose {
		limit = len(causes)
	}
	var fixes []string
	for i, c := range causes {
		if i >= limit {
			p.line(fmt.Sprintf("   and %d more (-v shows all)", len(causes)-limit))
			break
		}
		p.cause(c)
		for _, f := range c.fixes {
			if !slices.Contains(fixes, f) {
				fixes = append(fixes, f)
			}
		}
	}
	for i, f := range fixes {
		if i == examples && !p.Verbose {
			p.line(fmt.Sprintf("   and %d more like these (-v shows all)", len(fixes)-i))
			break
		}
		p.wrap("fix: "+f, "   ", "        ")
	}
}

func (p *printer) cause(c *cause) {
	abbreviate := short
	if p.Verbose {
		abbreviate = func(s string) string { return s }
	}
	message := abbreviate(c.message)
	if len(c.platforms) > 0 {
		message += " (" + strings.Join(c.platforms, ", ") + ")"
	}
	p.wrap(message, "   ", "   ")
	for _, l := range c.lines {
		p.wrap(abbreviate(l), "     ", "       ")
	}
	for j, at := range c.places {
		if j == examples && !p.Verbose {
			p.line("     and in " + counted(len(c.places)-j, "more places"))
			break
		}
		p.wrap(at.String(), "     ", "       ")
	}
	if len(c.moot) > 0 {
		p.wrap("moot in "+c.whyMoot(), "     ", "       ")
	}
	for _, q := range c.so {
		p.wrap("so: "+abbreviate(q), "     ", "         ")
	}
}

// coverage says of how much of what runs there is a verdict, and what nobody
// asked for.
func (p *printer) coverage(v *view, inv Inventory) {
	judged, written, lost, unruled := 0, 0, map[string]int{}, 0
	injected := map[string]int{}
	for _, t := range v.targets {
		switch {
		case t.Kind == KindGroup || t.Kind == KindGap || t.Kind == KindObject:
			continue
		case t.Image != "":
			judged += t.Origins.Len()
		case t.Error == "":
			written += t.Origins.Len()
		default:
			lost[t.Error] += t.Origins.Len()
		}
		if t.Injected {
			injected[t.Container+" "+t.Ref] += t.Origins.Len()
		}
	}
	for _, img := range v.images {
		if slices.ContainsFunc(img.Results, func(r *Result) bool { return r.Check == "SIG001" && r.Outcome == check.NotAsked }) {
			unruled++
		}
	}
	things := "containers"
	if inv.Kind == "files" {
		things = "references"
	}
	line := counted(judged, things) + " judged"
	if written > 0 {
		line = counted(judged, things) + " judged with what they name, " + strconv.Itoa(written) + " as written"
	}
	if n := v.excepted(); n > 0 {
		line += ", " + counted(n, "findings") + " excepted"
	}
	if unruled > 0 {
		line += fmt.Sprintf("; no rule says who must sign %d of %d images", unruled, len(v.images))
	}
	p.row("coverage", line)
	for _, why := range sortedKeys(lost) {
		p.row("", fmt.Sprintf("%d not examined: %s", lost[why], why))
	}
	for _, g := range inv.Gaps {
		s := "not seen: " + g.What + ": " + g.Why
		if g.Hint != "" {
			s += " (" + g.Hint + ")"
		}
		p.row("", s)
	}
	for _, name := range sortedKeys(injected) {
		p.row("injected", fmt.Sprintf("%s in %s, in no template", name, counted(injected[name], "pods")))
	}
	for _, c := range causesOf(v.spots, policy.Warn) {
		if c.matterless() {
			p.row("moot", c.check+", "+c.message+": "+c.whyMoot())
		}
	}
	if asks := v.notAsked(inv); len(asks) > 0 {
		p.row("not asked", strings.Join(asks, "; "))
	}
}

// row prints a line of the last block.
func (p *printer) row(name, text string) {
	p.wrap(text, fmt.Sprintf(" %-10s ", name), strings.Repeat(" ", 12))
}

func (v *view) excepted() (n int) {
	for _, s := range v.spots {
		n += s.Excepted
	}
	return n
}

// notAsked names what was left out and how to ask for it, each once.
func (v *view) notAsked(inv Inventory) []string {
	var out []string
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, c := range inv.NotAsked {
		add(c.What + " (" + c.How + ")")
	}
	for _, s := range v.spots {
		if s.Outcome == check.NotAsked && s.Cause == fact.NotAsked && s.Level != policy.LevelOff && !strings.HasPrefix(s.Check, "SIG") {
			add(s.Why)
		}
	}
	slices.Sort(out)
	return out
}

func sortedKeys(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
