package checks_test

import (
	"flag"
	"os"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/checks"
)

var update = flag.Bool("update", false, "rewrite the wanted results")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

func TestValid(t *testing.T) {
	t.Parallel()
	if err := check.Validate(checks.All()); err != nil {
		t.Error(err)
	}
}

func TestCases(t *testing.T) {
	checktest.Cases(t, "testdata", checks.All(), *update)
}
