package dockerfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

func TestTiming(t *testing.T) {
	const size = 16 << 20
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"onbuild":   "FROM a\n" + strings.Repeat("ONBUILD \\\n", 500000),
		"bad":       "FROM a\n" + strings.Repeat("ENV A\n", 1000000),
		"unknown":   strings.Repeat("FOO A\n", 1000000),
		"nested":    "FROM a\nRUN << " + rep("                 ${a:-\\\n") ,
		"nested200": "FROM a\n" + rep("RUN << " + strings.Repeat("${a:-", 199) + "\n"),
		"open":      "FROM a\nRUN <<EOF\n" + strings.Repeat("\n", 1000000),
		"args":      "ARG A=" + strings.Repeat("x", 20) + "\n" + rep("ARG B=" + strings.Repeat("$A", 199) + "\n"),
		"froms":      rep("FROM aaaaaaaaaaaaaaaaaaaaaaaa AS b\n"),
		"runs":      "FROM a\n" + rep("RUN                     \\\n"),
		"platform":      rep("FROM aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS b\nFROM b-$TARGETARCH\n"),
		"flags":      "FROM a\nRUN " + rep("--mount=from=b:1\\\n "),
		"json": "[" + rep("["),
	} {
		start := time.Now()
		refs, problems, err := dockerfile.Read(written.NewFile("Dockerfile", []byte(text)), dockerfile.Build{})
		n := len(refs)
		took := time.Since(start)
		written.Settle(refs)
		t.Log(name, n, len(problems), err, took, time.Since(start)-took)
	}
}
