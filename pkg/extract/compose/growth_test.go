package compose

import (
	"strings"
	"testing"
)

// Files that people write do not grow.
func TestGrows(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a plain one":  "A=1\nB=$A\nC=\"${A}-${B}\"\n",
		"addresses":    "USER=u\nPASS=p\nHOST=h\n" + strings.Repeat("URL=postgres://$USER:$PASS@$HOST:5432/db?a=$USER\n", 50),
		"long":         "A=" + strings.Repeat("x", 1000) + "\n" + strings.Repeat("B=$A\n", 500),
		"no variables": strings.Repeat("PASSWORD='$x$y$$'\n", 1000),
	} {
		if grows([]byte(text)) {
			t.Errorf("%s grows", name)
		}
	}
}
