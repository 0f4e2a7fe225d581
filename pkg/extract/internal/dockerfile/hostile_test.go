package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// hostile are files that are made to take long, of about size bytes.
func hostile(size int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return map[string]string{
		"onbuild":        "FROM a\n" + rep("ONBUILD \\\n"),
		"bad":            "FROM a\n" + rep("ENV A\n"),
		"unknown":        "FROM a\n" + rep("FOO A\n"),
		"nested":         "FROM a\nRUN << " + rep("                 ${a:-\\\n"),
		"nested_often":   "FROM a\n" + rep("RUN << "+strings.Repeat("${a:-", 199)+"\n"),
		"open_heredoc":   "FROM a\nRUN <<EOF\n" + rep("\n"),
		"many_variables": "ARG A=" + strings.Repeat("x", 20) + "\nFROM a\n" + rep("ARG B="+strings.Repeat("$A", 199)+"\n"),
		"froms":          rep("FROM aaaaaaaaaaaaaaaaaaaaaaaa AS b\n"),
		"long_line":      "FROM a\n" + rep("RUN                     \\\n"),
		"by_platform":    rep("FROM aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS b\nFROM b-$TARGETARCH\n"),
		"flags":          "FROM a\nRUN " + rep("--mount=from=b:1\\\n "),
		"brackets":       "FROM a\n" + rep("["),
	}
}

// What is made to take long is read all the same, with a bounded number of
// problems.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, text := range hostile(64 << 10) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refs, problems, err := dockerfile.Read(written.NewFile("Dockerfile", []byte(text)), dockerfile.Build{})
			if err != nil || len(written.Settle(refs)) == 0 {
				t.Errorf("%d references, %v", len(refs), err)
			}
			if len(problems) > 1001 {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
}

// The time for a file grows with its size and not faster.
func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile(1 << 20) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				refs, _, _ := dockerfile.Read(written.NewFile("Dockerfile", []byte(text)), dockerfile.Build{})
				written.Settle(refs)
			}
		})
	}
}
