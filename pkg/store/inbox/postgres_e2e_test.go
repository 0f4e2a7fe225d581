//go:build e2e

package inbox_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// One server for all tests of the package; each test has a database of its own.
var server struct {
	sync.Mutex
	*testground.Postgres
}

func TestMain(m *testing.M) {
	if child() {
		return
	}
	code := m.Run()
	if server.Postgres != nil {
		if err := server.Close(); err != nil {
			println(err.Error())
		}
	}
	os.Exit(code)
}

func postgres(t *testing.T) bool {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.Postgres == nil {
		p, err := testground.StartPostgres(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		server.Postgres = p
	}
	return true
}

func ownDatabase(t *testing.T) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}
