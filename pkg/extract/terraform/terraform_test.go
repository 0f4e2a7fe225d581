package terraform_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/internal/resource/resourcetest"
	"github.com/intact-dev/intact/pkg/extract/terraform"
)

func TestCases(t *testing.T) {
	t.Parallel()
	resourcetest.Run(t, terraform.Extractor{})
}
