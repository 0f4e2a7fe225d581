package checks

import (
	"slices"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
)

func TestShowPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		paths []fact.Bytes
		dir   fact.Bytes
		count int
		want  string
	}{
		{[]fact.Bytes{"/a"}, "/", 1, "/a"},
		{[]fact.Bytes{"/a", "/b", "/c"}, "/", 3, "/a, /b, /c"},
		{[]fact.Bytes{"/a/b", "/a/c"}, "/a", 0, "/a/b, /a/c"},
		{[]fact.Bytes{"/a/1", "/a/2", "/a/3", "/a/4"}, "/a", 4, "/a/1 and 3 more paths below /a"},
		{[]fact.Bytes{"/a/1"}, "/", 2, "/a/1 and 1 more path"},
		{[]fact.Bytes{"/a/1"}, "/a", 1234567, "/a/1 and 1,234,566 more paths below /a"},
		{nil, "/a", 5, "5 paths below /a"},
		{[]fact.Bytes{"/a b", "/\x1b[2J", "/\u202e", "/\xff"}[:3], "/", 3, `"/a b", "/\x1b[2J", "/\u202e"`},
		{[]fact.Bytes{"/a, /b"}, "/", 1, `"/a, /b"`},
	} {
		if got := showPaths(tt.paths, tt.dir, tt.count); got != tt.want {
			t.Errorf("showPaths(%q, %q, %d) = %s, want %s", tt.paths, tt.dir, tt.count, got, tt.want)
		}
	}
}

func TestHistoryLine(t *testing.T) {
	t.Parallel()
	long := "RUN " + string(slices.Repeat([]byte("x"), 200))
	for line, want := range map[string]string{
		"":                                      "",
		"/bin/sh -c #(nop) ADD file:9f2c in / ": "ADD file:9f2c in /",
		"/bin/sh -c #(nop)  CMD [\"bash\"]":     `CMD ["bash"]`,
		"/bin/sh -c apt-get update &&     apt-get install -y x": "RUN apt-get update && apt-get install -y x",
		"RUN /bin/sh -c make # buildkit":                        "RUN make",
		"|1 V=1.2 /bin/sh -c make":                              "RUN make",
		"RUN |2 V=1.2 W=a b /bin/sh -c make # buildkit":         "RUN make",
		"COPY --chown=app . /app # buildkit":                    "COPY --chown=app . /app",
		"COPY x\u202ey /":                                       `"COPY x\u202ey /"`,
		"COPY \x1b[31mx /":                                      `"COPY \x1b[31mx /"`,
		"COPY \xff /":                                           `"COPY \xff /"`,
		long:                                                    long[:maxHistory] + "…",
	} {
		if got := historyLine(line); got != want {
			t.Errorf("historyLine(%q) = %s, want %s", line, got, want)
		}
	}
}

func TestChownFix(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"COPY --chown=app:app --chmod=755 . /app # buildkit": "COPY --chown=root --chmod=755 . /app",
		"ADD --chown=1000 x.tar /":                           "ADD --chown=root x.tar /",
		"/bin/sh -c #(nop) COPY --chown=app dir:1f in /app ": "COPY --chown=root dir:1f in /app",
		"COPY . /app # buildkit":                             "",
		"RUN /bin/sh -c install --chown=app # buildkit":      "",
		"/bin/sh -c COPY --chown=app":                        "",
	} {
		if got, ok := chownFix(line); got != want || ok != (want != "") {
			t.Errorf("chownFix(%q) = %q, %t, want %q", line, got, ok, want)
		}
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"/usr/bin/su": "/usr/bin/su",
		"/a b":        "'/a b'",
		"/a'b":        `'/a'\''b'`,
		"/$(rm -r /)": "'/$(rm -r /)'",
		"/a\nb":       "",
		"/\xff":       "",
		"/\u202e":     "",
	} {
		if got, ok := shellWord(word); got != want || ok != (want != "") {
			t.Errorf("shellWord(%q) = %s, %t, want %s", word, got, ok, want)
		}
	}
}

func TestCommonDir(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		paths []fact.Bytes
		want  fact.Bytes
	}{
		{nil, "/"},
		{[]fact.Bytes{"/a/b"}, "/a"},
		{[]fact.Bytes{"a/b", "a/c/d"}, "/a"},
		{[]fact.Bytes{"/a/b", "/ab/c"}, "/"},
		{[]fact.Bytes{"/a/b/c", "/a/b/d", "/a/b"}, "/a"},
		{[]fact.Bytes{"../x", "/y"}, "/"},
	} {
		if got := commonDir(tt.paths); got != tt.want {
			t.Errorf("commonDir(%q) = %q, want %q", tt.paths, got, tt.want)
		}
	}
}
