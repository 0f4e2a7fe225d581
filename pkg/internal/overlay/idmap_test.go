package overlay

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseIDMap(t *testing.T) {
	t.Parallel()
	m, err := ParseIDMap([]byte("         0       1000          1\n         1     100000      65536\n"))
	if d := cmp.Diff(IDMap{{0, 1000, 1}, {1, 100_000, 65_536}}, m); err != nil || d != "" {
		t.Errorf("error %v; -want +got:\n%s", err, d)
	}
	for id, want := range map[uint32]uint32{1000: 0, 100_000: 1, 165_535: 65_536, 165_536: overflowID, 0: overflowID, 999: overflowID} {
		if got := m.inside(id); got != want {
			t.Errorf("%d is %d; want %d", id, got, want)
		}
	}
	for _, s := range []string{"0 0\n", "0 0 1 1\n", "0 x 1\n", "0 0 4294967296\n", strings.Repeat("0 0 1\n", maxIDRanges+1)} {
		if m, err := ParseIDMap([]byte(s)); err == nil {
			t.Errorf("%q gives %v", s, m)
		}
	}
}
