package scan

import (
	"context"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// Options say how to scan. All but the documented optional fields are needed.
type Options struct {
	Policy *policy.Policy
	Checks []check.Check // the built-in ones; the policy adds its own
	// Now is what is judged by, and nothing else; Clock times observations.
	Now   time.Time
	Clock func() time.Time

	Depth  policy.Depth
	Select image.Selection
	// Skipped are check families that the command line switched off.
	Skipped []string

	// Jobs bounds targets and requests in flight; 0 means 4.
	Jobs int
	// Timeout bounds each target; 0 means 15 minutes.
	Timeout time.Duration

	// Runtimes are looked at for what runs; none if it was not asked.
	Runtimes []Runtime
	// Files are judged for what they declare, and compared with what runs.
	Files []Files
	// TagHistory returns what a tag meant before, by a record that was kept;
	// nil = there is none.
	TagHistory func(r ref.Ref) fact.Value[fact.TagHistory]
	// Seen is told at the end what registries said about tags; nil = nobody.
	Seen func([]TagSeen)
	// TagBefore is TagHistory for who records while scanning: what the tag meant
	// before it became now, the digest that it was resolved to ("" = it was not). It
	// is used instead; nil = TagHistory is.
	TagBefore func(r ref.Ref, now ref.Digest) fact.Value[fact.TagHistory]
	// Known reports whether an earlier report has a finding about a target; nil =
	// there is none. It must be a pure function.
	Known func(target, check string, f check.Finding) bool

	Layers     *gather.Layers
	Signatures Signatures
	Documents  image.DocumentStore // optional
	Facts      bool                // keep the facts in the report
	Suggest    bool                // say what a read-only root needs
	Tool       report.Tool
	// Told is told how far a long run is: of what, how many are done, and of how many
	// (0 = not known yet). It may be called concurrently; nil = nobody.
	Told    func(what string, done, total int)
	Notices func() []string // asked at the end; optional
}

// Signatures looks for what is signed about an image and judges it.
type Signatures interface {
	// Gather lists and verifies what is attached to subjects, in name's repository.
	Gather(ctx context.Context, place Place, img *image.Image, name ref.Ref) (fact.List[fact.Listing], fact.List[fact.Signature])
	// Checks returns the SIG checks as the policy wants them for an image of that
	// name. where says what a source that cannot hold signatures said of it.
	Checks(name ref.Ref, where Unsigned) []check.Check
}

// Unsigned says why signatures were not looked for. The zero value is that they
// were.
type Unsigned struct {
	NotAsked      string // "not pushed yet"
	NotApplicable string // "an archive of docker save carries no signatures"
}

func (o Options) tell(what string, done, total int) {
	if o.Told != nil {
		o.Told(what, done, total)
	}
}

func (o Options) jobs() int {
	if o.Jobs > 0 {
		return o.Jobs
	}
	return 4
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 15 * time.Minute
}
