package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/store"
)

// What is dropped is dropped in batches, however much it is.
func TestPruneOfMuch(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "intact.db"), store.Options{Create: true})
	const n = 2_345
	many := make([]store.Happening, n)
	for i := range many {
		many[i] = store.Happening{Type: "v", Subject: "x", At: noon}
	}
	v := verdict(0)
	if _, err := s.AddVerdict(t.Context(), v, many...); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prune(t.Context(), store.Retention{Happenings: time.Hour}, noon.Add(2*time.Hour))
	if err != nil || p != (store.Pruned{Happenings: n}) {
		t.Errorf("%+v, %v", p, err)
	}
}
