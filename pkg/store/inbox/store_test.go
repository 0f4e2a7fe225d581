package inbox_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

var ignoreOldest cmp.Option = cmpopts.IgnoreFields(jobs.Lag{}, "Oldest")

// each runs a test on every database there is: PostgreSQL only with -tags e2e.
func each(t *testing.T, test func(t *testing.T, open func(*testing.T) *database.DB)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqlite(t))
	})
	if url := postgres(t); url != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			own := ownDatabase(t, url)
			test(t, func(t *testing.T) *database.DB { return openDB(t, own) })
		})
	}
}

func sqlite(t *testing.T) func(*testing.T) *database.DB {
	file := filepath.Join(t.TempDir(), "store.db")
	return func(t *testing.T) *database.DB { return openDB(t, file) }
}

func openDB(t *testing.T, where string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
