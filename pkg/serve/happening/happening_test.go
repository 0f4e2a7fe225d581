package happening_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

func TestWanted(t *testing.T) {
	t.Parallel()
	denied := happening.Happening{Type: happening.ImageJudged, Verdict: policy.Deny}
	allowed := happening.Happening{Type: happening.ImageJudged, Verdict: policy.Allow}
	unset := happening.Happening{Type: happening.ImageJudged}
	lost := happening.Happening{Type: happening.RunningUnseen}
	for _, tt := range []struct {
		h    happening.Happening
		on   []string
		want bool
	}{
		{allowed, nil, true}, {allowed, []string{"image.judged"}, true}, {allowed, []string{"image.*"}, true}, {allowed, []string{"*"}, true},
		{allowed, []string{"tag.*", "running.changed"}, false}, {allowed, []string{"alarm"}, false}, {denied, []string{"tag.deleted", "alarm"}, true},
		{lost, []string{"alarm"}, true}, {unset, []string{"alarm"}, true},
	} {
		if got := tt.h.Wanted(tt.on); got != tt.want {
			t.Errorf("%s %s on %q: %v", tt.h.Type, tt.h.Verdict, tt.on, got)
		}
	}
	for s, ok := range map[string]bool{"alarm": true, "tag.*": true, "image.judged": true, "image.judge": false, "nothing.*": false, "": false} {
		if err := happening.CheckOn(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
