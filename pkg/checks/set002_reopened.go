package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func set002() check.Check {
	return check.Check{
		ID:    "SET002",
		Title: "a mount makes code of the image writable again",
		Doc: check.Doc{
			What: "A mount that is not read-only (hostPath, persistent volume, emptyDir, bind, volume, tmpfs …) lies over an execution path: over the program that the image starts or code that it loads, over a directory of `PATH`, or over places from which every image runs code, such as `/usr/lib`. " +
				"Under a read-only root a `VOLUME` of the image counts as such a mount.",
			Why: "What is mounted takes the place of what the image has. Who can write there decides what runs, through a fault in this container, through another pod that mounts the same volume, or on the node; a read-only root does not help, and the digest stays the same. " +
				"On a volume that persists the change outlives the container.",
			Fix: "`readOnly: true` on the mount (Docker: `:ro`), or mount it where no code lies. If an init container puts code there, mount it read-only in the containers that run it.",
			Limits: "What is an execution path is the closed list of docs/execution-paths.md, for the image's own command; a workload may set another. Whether the container's user may write to the volume, and who else may, is not known. " +
				"Without the layers only mounts over well-known places, `PATH` and the command as the config names it can be told; whether another writable mount lies over code is then not asked. " +
				"A mount point that is a link in the image, other than `/bin` and `/lib`, is taken for what it is called.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KSettings, fact.KContainer},
		Uses:   []fact.Kind{fact.KConfig, fact.KFilesystem, fact.KReference},
		Run:    runSET002,
	}
}

func runSET002(s *fact.Set) check.Answer {
	if s.Settings.State != fact.Known {
		return notTold("there are no settings of a container")
	}
	if why := noProcess(s); why != "" {
		return notTold(why)
	}
	o := openings{s: s, mounts: s.Settings.V.Mounts}
	for _, m := range o.mounts {
		if at := cleanPath(m.Path); isWritable(m) && !ofRuntime(m) {
			o.judge(at, fmt.Sprintf("%s is mounted writable at %s", mountName(m), show(at)), readOnlyMountFix(s, at))
		}
	}
	if s.Settings.V.ReadOnlyRoot {
		o.volumes()
	}
	d := o.doubts()
	if (len(o.out) > 0 || len(d.whys) > 0) && onWindows(s) {
		return notTold("windows container")
	}
	return d.answer(o.out)
}

// openings judges the writable mounts of one container.
type openings struct {
	s      *fact.Set
	mounts []fact.Mount

	out    []check.Finding
	config fact.Status              // why VOLUMEs are not known
	unsure map[fact.Status][]string // why it is not known whether there is code at these paths
}

func (o *openings) judge(at, message, fix string) {
	by := openedBy(o.s, at, o.mounts)
	if by.proof != "" {
		o.out = append(o.out, check.Finding{Message: message + ", " + by.proof, Fix: fix, Origin: whereOf(o.s)})
	}
	for _, st := range by.doubts {
		if o.unsure == nil {
			o.unsure = map[fact.Status][]string{}
		}
		if path := show(at); !slices.Contains(o.unsure[st], path) {
			o.unsure[st] = append(o.unsure[st], path)
		}
	}
}

// volumes judges the VOLUMEs of the image: runtimes mount a new one there,
// writable even under a read-only root.
func (o *openings) volumes() {
	c := o.s.Config
	if c.State == fact.Unknown {
		o.config = lost(c.Status(), "the image's config, which declares its VOLUMEs, is not known")
	}
	if c.State != fact.Known {
		return
	}
	for _, v := range c.V.Volumes {
		at := cleanPath(fact.Bytes(v))
		if deepest(o.mounts, at) != at { // what is mounted explicitly takes its place
			o.judge(at, fmt.Sprintf("the image's VOLUME %s stays writable under the read-only root", show(at)),
				"mount something read-only there, or build on an image without that VOLUME")
		}
	}
}

func (o *openings) doubts() doubts {
	var d doubts
	if o.config.Why != "" {
		d.missing(o.config, "")
	}
	whys := slices.SortedFunc(maps.Keys(o.unsure), func(a, b fact.Status) int {
		return cmp.Or(cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Why, b.Why))
	})
	for _, st := range whys {
		if st.Cause == fact.NotAsked { // the same words for all containers
			d.add(st.Cause, "whether images hold code where volumes are mounted: "+st.Why)
			continue
		}
		d.add(st.Cause, fmt.Sprintf("whether the image holds code at %s: %s", strings.Join(o.unsure[st], ", "), st.Why))
	}
	return d
}

// mountName is "hostPath /srv/app", "emptyDir".
func mountName(m fact.Mount) string {
	name := orElse(m.Kind, "a volume")
	if m.Source != "" {
		name += " " + show(m.Source)
	}
	return name
}

func readOnlyMountFix(s *fact.Set, at string) string {
	if !isKubernetes(s) {
		return fmt.Sprintf("mount %s with :ro, or at a path where no code lies", show(at))
	}
	return fmt.Sprintf("readOnly: true on the volumeMount of %s, or mount it where no code lies", show(at))
}
