package report

import (
	"fmt"
	"slices"
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
	p.open(v.results())
	p.causes(v.spots, policy.Warn)
	p.accepted(v.results())
	p.notes(v.results())
	if p.Verbose {
		p.quiet(v.results())
	}
	p.line("")
	p.coverage(v, inv)
}

// A view is the part of a report that is about one inventory.
type view struct {
	targets  []Target
	images   []*Image
	spots    []spot
	decision policy.Decision
}

func viewOf(r *Report, inv Inventory) *view {
	v := &view{decision: policy.Allow}
	at := map[*Image][]place{}
	index := r.imageIndex()
	for _, t := range r.Targets {
		if t.Inventory != inv.Name || t.Inventory == "" {
			continue
		}
		v.targets = append(v.targets, t)
		v.decision = policy.Worst(v.decision, t.Verdict.Decision)
		places := placesOf(t)
		for _, res := range told(t.Results) {
			v.spots = append(v.spots, spot{res, places})
		}
		if img := index[imageKey{t.Image, t.ImageName}]; img != nil && t.Image != "" {
			if at[img] == nil {
				v.images = append(v.images, img)
			}
			at[img] = append(at[img], places...)
		}
	}
	for _, img := range v.images {
		for _, res := range img.Results {
			v.spots = append(v.spots, spot{res, at[img]})
		}
	}
	return v
}

// told are the results of one target with what is part of another's story told
// there.
func told(results []Result) []Result {
	parts := map[string][]string{}
	for _, r := range results {
		for _, f := range r.Findings {
			if r.PartOf != "" && !f.Note {
				parts[r.PartOf] = append(parts[r.PartOf], f.Message)
			}
		}
	}
	if len(parts) == 0 {
		return results
	}
	out := slices.Clone(results)
	for i, r := range out {
		more := parts[r.Check]
		if len(more) == 0 || r.PartOf != "" || len(r.Findings) == 0 {
			continue
		}
		out[i].Findings = slices.Clone(r.Findings)
		f := &out[i].Findings[0]
		f.Consequences = slices.Concat(more, f.Consequences)
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

func (v *view) results() []Result {
	out := make([]Result, 0, len(v.spots))
	for _, s := range v.spots {
		out = append(out, s.Result)
	}
	return out
}

// verdict says the decision and how many causes warn.
func (v *view) verdict() string {
	s := strings.ToUpper(verdictWord(v.decision))
	switch n := len(causesOf(v.spots, policy.Warn)); n {
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
		parts = append(parts, fmt.Sprintf("%d %s", c.N, c.What))
	}
	if inv.Finished > 0 {
		parts = append(parts, fmt.Sprintf("%d finished containers, not judged", inv.Finished))
	}
	parts = append(parts, fmt.Sprintf("%d images run", len(v.images)))
	s := strings.Join(parts, ", ")
	if inv.Version != "" {
		s += "; " + inv.Version
	}
	return s
}

// causes prints the failed checks that led to d, each with its worst causes.
func (p *printer) causes(spots []spot, d policy.Decision) {
	all := causesOf(spots, d)
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
		message := c.finding.Message
		if len(c.platforms) > 0 {
			message += " (" + strings.Join(c.platforms, ", ") + ")"
		}
		p.wrap(message, "   ", "   ")
		for _, l := range c.finding.Lines {
			p.wrap(l, "     ", "       ")
		}
		for j, at := range c.places {
			if j == examples && !p.Verbose {
				p.line(fmt.Sprintf("     and in %d more places", len(c.places)-j))
				break
			}
			p.wrap(at.String(), "     ", "       ")
		}
		for _, q := range c.finding.Consequences {
			p.wrap("so: "+q, "     ", "         ")
		}
		if f := c.finding.Fix; f != "" && !slices.Contains(fixes, f) {
			fixes = append(fixes, f)
		}
	}
	for _, f := range fixes {
		p.wrap("fix: "+f, "   ", "        ")
	}
}

// coverage says of how much of what runs there is a verdict, and what nobody
// asked for.
func (p *printer) coverage(v *view, inv Inventory) {
	judged, lost, unruled := 0, map[string]int{}, 0
	injected := map[string]int{}
	for _, t := range v.targets {
		switch {
		case t.Kind == KindGroup || t.Kind == KindGap:
			continue
		case t.Image != "":
			judged += len(t.Origins)
		default:
			lost[t.Error] += len(t.Origins)
		}
		if t.Injected {
			injected[t.Container+" "+t.Ref] += len(t.Origins)
		}
	}
	for _, img := range v.images {
		if slices.ContainsFunc(img.Results, func(r Result) bool { return r.Check == "SIG001" && r.Outcome == check.NotAsked }) {
			unruled++
		}
	}
	line := fmt.Sprintf("%d containers judged", judged)
	if n := v.excepted(); n > 0 {
		line += fmt.Sprintf(", %d findings excepted", n)
	}
	if unruled > 0 {
		line += fmt.Sprintf("; no rule says who must sign %d of %d images", unruled, len(v.images))
	}
	p.wrapRow(" coverage   ", "", line)
	for _, why := range sortedKeys(lost) {
		p.wrapRow("            ", "", fmt.Sprintf("%d not examined: %s", lost[why], why))
	}
	for _, g := range inv.Gaps {
		s := "not seen: " + g.What + ": " + g.Why
		if g.Hint != "" {
			s += " (" + g.Hint + ")"
		}
		p.wrapRow("            ", "", s)
	}
	for _, name := range sortedKeys(injected) {
		p.wrapRow(" injected   ", "", fmt.Sprintf("%s in %d pods, in no template", name, injected[name]))
	}
	if asks := v.notAsked(inv); len(asks) > 0 {
		p.wrapRow(" not asked  ", "", strings.Join(asks, "; "))
	}
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
