package judge

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// Kind is that of the tasks that a [Judge] runs. Their key is what to judge:
// registry/repository:tag, or with a digest registry/repository[:tag]@digest.
const Kind = "judge"

// A Cause is the payload of a task: what made somebody ask.
type Cause struct {
	Cause string `json:"cause"` // "webhook harbor", "reconcile", "api alice"
	// Asked is when somebody asked who wants a verdict of this time: it is recorded
	// even if it is the same again. Zero = nobody does.
	Asked time.Time `json:"asked,omitzero"`
	// Heard is when an event said that the tag was pushed, as Pushed if it said what:
	// registries tell of a push before the tag is what was pushed. Zero = none did.
	Heard  time.Time  `json:"heard,omitzero"`
	Pushed ref.Digest `json:"pushed,omitempty"`
}

// Task is the wish to have r judged: what its tag means or, if it has a digest,
// that image.
func Task(r ref.Ref, cause string) (jobs.Task, error) { return task(r, Cause{Cause: cause}) }

// Pushed is Task for an event that was heard at a time, and said that the tag of r is
// digest now; "" = it did not say what.
func Pushed(r ref.Ref, cause string, at time.Time, digest ref.Digest) (jobs.Task, error) {
	return task(r, Cause{Cause: cause, Heard: at.UTC().Truncate(time.Microsecond), Pushed: digest})
}

// Ask is Task for somebody who waits for the verdict, which is then recorded
// whatever was recorded before.
func Ask(r ref.Ref, cause string, at time.Time) (jobs.Task, error) {
	return task(r, Cause{Cause: cause, Asked: at.UTC().Truncate(time.Microsecond)})
}

func task(r ref.Ref, cause Cause) (jobs.Task, error) {
	repository, tag := ledger.Name(r)
	if err := ledger.CheckName(repository, tag); err != nil {
		return jobs.Task{}, fmt.Errorf("judge %q: %w", r, err)
	}
	payload, err := json.Marshal(cause)
	if err != nil {
		return jobs.Task{}, fmt.Errorf("judge %q: %w", r, err)
	}
	return jobs.Task{Kind: Kind, Key: key(repository, tag, r), Payload: payload}, nil
}

// key is the canonical form of r. The tag beside a digest stays: it is judged as
// well.
func key(repository, tag string, r ref.Ref) string {
	switch {
	case r.Digest == "":
		return repository + ":" + tag
	case r.Tag == "":
		return repository + "@" + string(r.Digest)
	}
	return repository + ":" + tag + "@" + string(r.Digest)
}

// verdictKey is the key in the store of the verdict of one run.
func verdictKey(task string, generation int64) string {
	return fmt.Sprintf("%s %s %d", Kind, task, generation)
}

// Generation returns which generation of a task's wishes a verdict answers, by the
// verdict's key in the store; ok is false if it is of another task.
func Generation(verdict, task string) (generation int64, ok bool) {
	text, ok := strings.CutPrefix(verdict, Kind+" "+task+" ")
	if !ok {
		return 0, false
	}
	generation, err := strconv.ParseInt(text, 10, 64)
	return generation, err == nil
}
