package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

var limitsBlock = regexp.MustCompile(`(?s)(<!-- limits: generated -->\n).*?(<!-- end -->)`)

// The limits that content.md states are those that hold.
func TestLimitsTable(t *testing.T) {
	t.Parallel()
	rows := []struct{ what, value, why string }{
		{"manifest, index, page of referrers", size(limits.Manifest), "what registries must take at least, and about what other clients take at most"},
		{"config", size(limits.Config), "the largest in use are below 1 MiB"},
		{"depth of indexes, manifests in one", count(limits.IndexDepth) + ", " + count(limits.IndexChildren), "indexes in use are one deep"},
		{"layers", count(limits.Layers), "overlay file systems take fewer"},
		{"expanded bytes of a layer, of an image", size(limits.LayerExpanded) + ", " + size(limits.ImageExpanded), "streamed, never stored"},
		{"expansion of zstd", fmt.Sprintf("%s to 1 after %s", count(limits.ZstdRatio), size(limits.ZstdRatioMin)), "gzip cannot reach that"},
		{"windows of zstd, of all layers together", size(limits.ZstdWindows), "memory"},
		{"members of a gzip stream", count(limits.GzipMembers), "each costs time and no bytes"},
		{"entries of an image", count(limits.Entries), "memory grows with them, not with bytes"},
		{"bytes of all their paths", size(limits.PathBytes), "memory"},
		{"length and depth of a path", size(limits.PathName) + ", " + count(limits.PathDepth), "Linux takes no longer path"},
		{"one extended header of an archive", size(limits.PAXBlock), "they are held in memory"},
		{"symbolic links in a row", count(limits.SymlinkHops), "as Linux"},
		{"`/etc/passwd`, `/etc/group`", size(limits.AccountFile), "they are held in memory"},
		{"nesting of JSON", count(limits.JSONDepth), "documents in use are some levels deep"},
		{"pages of a list, referrers of a digest", count(limits.Pages) + ", " + count(limits.Referrers), "each page is a request"},
		{"signatures and attestations of a digest in one place", count(limits.Signatures), "as cosign"},
		{"payload of a signature", size(limits.SignaturePayload), "some hundred bytes in use"},
		{"attestation, all of them in memory", size(limits.Attestation) + ", " + size(limits.AttestationInFlight), "SBOMs of large images reach 10 MiB"},
		{"token, error answer", size(limits.Token) + ", " + size(limits.ErrorBody), "some kilobytes in use"},
		{"redirects", count(limits.Redirects), "one or two in use"},
		{"time to the head of an answer", seconds(limits.RequestHeader), "a server that does not answer"},
		{"rate of a body", fmt.Sprintf("%s a second over %s", size(limits.MinimumRate), seconds(limits.IdleBody)), "a server that drips"},
	}
	var b strings.Builder
	b.WriteString("| limit | value | why |\n| --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.what, r.value, r.why)
	}
	text := page(t, "content.md")
	if !limitsBlock.MatchString(text) {
		t.Fatal("content.md has no place for the limits")
	}
	want := limitsBlock.ReplaceAllString(text, "${1}"+b.String()+"${2}")
	if *update {
		if err := os.WriteFile(filepath.Join(root, "docs", "content.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != text {
		t.Error("the limits of content.md are stale; run go generate ./pkg/internal/docs")
	}
}

func size(n int64) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if u := int64(1) << (30 - 10*i); n >= u && n%u == 0 {
			return fmt.Sprintf("%d %s", n/u, unit)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", d/time.Second) }
