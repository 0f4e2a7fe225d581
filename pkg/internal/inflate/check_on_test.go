//go:build inflatecheck

package inflate

import "testing"

// TestChecks: an index that a mask would bend is noticed, the last right one is
// not.
func TestChecks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		right, wrong func()
	}{
		"input":        {func() { checkIn(92, 100) }, func() { checkIn(93, 100) }},
		"output":       {func() { checkOut(outSize-1, 1+outSlack) }, func() { checkOut(outSize-1, 2+outSlack) }},
		"output begin": {func() { checkOut(outSize-1, 1) }, func() { checkOut(outSize, 1) }},
		"table":        {func() { checkTable(litSize-1, litSize) }, func() { checkTable(litSize, litSize) }},
	} {
		tt.right() // would panic
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: an index that is out of range is not noticed", name)
				}
			}()
			tt.wrong()
		}()
	}
}
