//go:build e2e && long && linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
)

var waits = regexp.MustCompile(`(?m)^intact_(tasks\{kind="(judge|hint)",state="(waiting|running|failed)"\}|inbox_deliveries\{state="(waiting|refused)"\}) ([0-9]+)`)

// drained waits until every delivery was handed on and every tag judged.
func (l *loaded) drained(t *testing.T, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		metrics := l.get(t, "/metrics", http.StatusOK)
		all, left := waits.FindAllStringSubmatch(metrics, -1), ""
		for _, m := range all {
			if m[len(m)-1] != "0" {
				left += m[0] + "\n"
			}
		}
		if len(all) == 8 && left == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %s there is still something to do (%d of 8 figures):\n%s", within, len(all), left)
		}
	}
}

// check looks at what is left once nothing runs any more: no acknowledged delivery
// was lost, and nothing was judged twice.
func (l *loaded) check(t *testing.T, where string, replicas ...*replica) {
	t.Helper()
	last, judgings := map[string]time.Time{}, 0
	for _, r := range replicas {
		judgings += r.judged(t, last)
	}
	l.run(t, "history", "--config", l.config, "--verify")
	st := must(store.Open(t.Context(), where, store.Options{}))(t)
	defer func() { ok(t, st.Close()) }()
	keys, leaves, verdicts := map[string]bool{}, 0, 0
	for _, tag := range l.tags {
		full := l.registry.Ref(tag)
		if sent := l.sent[tag]; !sent.IsZero() && !last[full].After(sent) {
			t.Errorf("%s was last judged at %s, and a delivery of %s was acknowledged", tag, last[full], sent)
		}
		if l.sent[tag].IsZero() {
			continue
		}
		repository, name, _ := strings.Cut(full[strings.Index(full, "/")+1:], ":")
		r := ref.Ref{Name: l.registry.Addr + "/" + repository, Tag: name}
		now, _, err := st.Now(t.Context(), r)
		ok(t, err)
		if now.Digest != l.now[tag] {
			t.Errorf("%s is %s by the ledger, and %s at the registry", tag, now.Digest, l.now[tag])
		}
		history := must(st.History(t.Context(), r, store.Newest, 0))(t)
		leaves += len(history)
		all := must(st.Verdicts(t.Context(), store.VerdictFilter{Repository: r.Name, Tag: name, Limit: 10_000}))(t)
		verdicts += len(all)
		if len(all) == 0 || all[0].Digest != l.now[tag] {
			t.Errorf("the last verdict of %s is not about %s", tag, l.now[tag])
		}
		told := map[string]bool{}
		found := 0 // verdicts of what the registry said; that it said nothing is one, too
		for _, v := range all {
			if v.Digest != "" || v.Decision != "undecided" {
				found++
			}
			if v.Key == "" || keys[v.Key] {
				t.Errorf("verdict %d: key %q is there twice", v.ID, v.Key)
			}
			keys[v.Key] = true
			if v.Digest == "" {
				continue
			}
			// A tag that moved and moved back while nobody judged is news: the ledger says
			// that it did, and each of its transitions is told of once.
			since := moved(t, v)
			if !slices.ContainsFunc(history, func(e store.Entry) bool { return e.To == v.Digest && e.At.Equal(since) }) {
				t.Errorf("%s: verdict %d is of %s since %s, and the ledger has no such transition", tag, v.ID, v.Digest, since)
			}
			once := fmt.Sprint(v.Digest, v.Decision, since.UnixNano())
			if told[once] {
				t.Errorf("%s: %s of %s since %s is recorded twice", tag, v.Decision, v.Digest, since)
			}
			told[once] = true
		}
		if found > len(history) {
			t.Errorf("%s: %d verdicts of %d transitions", tag, found, len(history))
		}
	}
	if leaves == 0 {
		t.Error("nothing is recorded")
	}
	t.Logf("%d deliveries acknowledged, %d times asked in vain; %d judgings in the log, %d verdicts and %d transitions recorded", l.accepted, l.refused.Load(), judgings, verdicts, leaves)
}

func (l *loaded) memory(t *testing.T, replicas ...*replica) {
	t.Helper()
	var peaks []string
	for _, r := range replicas {
		r.measure()
		peaks = append(peaks, fmt.Sprintf("%d MiB", r.peak>>20))
		if r.peak == 0 || r.peak > maxMemory {
			t.Errorf("%s took %d MiB at its peak, want at most %d", r.address, r.peak>>20, maxMemory>>20)
		}
	}
	t.Logf("memory at the peak: %s", strings.Join(peaks, ", "))
}

// moved is since when the tag of a verdict is what was judged.
func moved(t *testing.T, v store.Verdict) time.Time {
	t.Helper()
	var s judge.Summary
	ok(t, json.Unmarshal(v.Summary, &s))
	if s.Moved.IsZero() {
		t.Errorf("verdict %d does not say since when %s is %s", v.ID, v.Tag, v.Digest)
	}
	return s.Moved
}
