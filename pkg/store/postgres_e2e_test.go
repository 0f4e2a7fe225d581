//go:build e2e

package store_test

import (
	"sync"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// postgres starts a server for a test.
func postgres(t *testing.T) *testground.Postgres {
	t.Helper()
	p, err := testground.StartPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// All that holds on SQLite holds on PostgreSQL.
func TestOnPostgreSQL(t *testing.T) {
	p := postgres(t)
	var mu sync.Mutex
	suite(t, func(t *testing.T) string {
		mu.Lock()
		defer mu.Unlock()
		url, err := p.Database(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return url
	})
}
