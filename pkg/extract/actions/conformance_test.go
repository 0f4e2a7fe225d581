package actions_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/actions"
	"github.com/intact-dev/intact/pkg/extract/extracttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	extracttest.Run(t, extracttest.Suite{
		Extractor: actions.Extractor{},
		Path:      ".github/workflows/ci.yml",
		Files: map[string]string{
			".github/workflows/ci.yml": "env: {TAG: \"1\"}\njobs:\n  a:\n    container: alpine:3.18 # why\n    strategy: {matrix: {v: [b:1, c:1]}}\n    services:\n      d: {image: '${{ matrix.v }}'}\n      e: {image: \"e:${{ env.TAG }}\"}\n    steps:\n    - uses: actions/checkout@v4\n    - uses: docker://f:1\n",
		},
	})
}
