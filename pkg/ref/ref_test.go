package ref

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	sha256A = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sha512A = "sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func TestParseKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		name, tag string
		digest    Digest
		canonical string
	}{
		"nginx":                             {"nginx", "", "", "docker.io/library/nginx"},
		"nginx:1.27":                        {"nginx", "1.27", "", "docker.io/library/nginx"},
		"nginx@" + sha256A:                  {"nginx", "", sha256A, "docker.io/library/nginx"},
		"nginx:1.27@" + sha256A:             {"nginx", "1.27", sha256A, "docker.io/library/nginx"},
		"acme/api":                          {"acme/api", "", "", "docker.io/acme/api"},
		"index.docker.io/library/nginx":     {"index.docker.io/library/nginx", "", "", "docker.io/library/nginx"},
		"localhost/app:x":                   {"localhost/app", "x", "", "localhost/app"},
		"127.0.0.1:5000/app:x":              {"127.0.0.1:5000/app", "x", "", "127.0.0.1:5000/app"},
		"[::1]:5000/app@" + sha512A:         {"[::1]:5000/app", "", sha512A, "[::1]:5000/app"},
		"ghcr.io/acme/api:1.4.2@" + sha512A: {"ghcr.io/acme/api", "1.4.2", sha512A, "ghcr.io/acme/api"},
	} {
		r, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if r.Name != want.name || r.Tag != want.tag || r.Digest != want.digest || r.Canonical() != want.canonical {
			t.Errorf("%s: got %+v, canonical %s", in, r, r.Canonical())
		}
		if r.String() != in {
			t.Errorf("%s: prints as %s", in, r)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                  "empty",
		"Nginx":                             "lower case",
		"https://ghcr.io/a":                 "leave out https://",
		"a b":                               "white space",
		"nginx@sha256:abc123":               "",
		"nginx@md5:" + sha256A[7:39]:        "unsupported digest algorithm",
		"nginx:" + strings.Repeat("a", 129): "",
		strings.Repeat("a/", 200) + "a":     "",
	} {
		_, err := Parse(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", in, err, want)
		}
	}
	if _, err := Parse("nginx@blake3:" + sha256A[7:]); !errors.Is(err, ErrUnsupportedAlgorithm) {
		t.Errorf("blake3: %v, want ErrUnsupportedAlgorithm", err)
	}
}

func TestParseDigestRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "sha256", "sha256:", "sha256:" + strings.Repeat("a", 63), "sha256:" + strings.Repeat("a", 65),
		"sha256:" + strings.Repeat("A", 64), "sha256:../../etc/passwd", sha256A + "?x=1", sha256A + "\n",
		"sha512:" + strings.Repeat("a", 64), strings.Repeat("a", 10_000_000),
	} {
		if d, err := ParseDigest(s); err == nil {
			t.Errorf("%.80q accepted as %s", s, d)
		}
	}
}

func TestDigestsOfTwoAlgorithmsAreUnknownToEachOther(t *testing.T) {
	t.Parallel()
	if Digest(sha256A).Comparable(sha512A) || Digest("").Comparable("") || !Digest(sha256A).Comparable(sha256A) {
		t.Error("comparable: want only digests of one algorithm")
	}
	if DigestOf([]byte("x"), sha512A).Algorithm() != "sha512" || DigestOf([]byte("x"), "").Algorithm() != "sha256" {
		t.Error("DigestOf must hash with the algorithm of what it is compared with")
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	for class, tags := range map[Class][]string{
		Floating: {
			"latest", "main", "1", "v1", "1.25", "1.25-alpine", "stable", "edge", "nightly", "bookworm", "default",
			"v4", "3.19", "20", "12345678", "deadbee", "jammy", "lts-slim", "8-jdk",
		},
		Fixed: {
			"1.4.2", "v1.4.2", "1.4.2-rc.1", "1.27.3-alpine", "1.2.3.4", "release-1.4.2", "v2.0.0-beta.3", "2026-11-23",
			"20261123", "bookworm-20261110", "2026.11.23", "sha-1a2b3c4", "1a2b3c4", "3f786850e387550fdab836ed7e6dc881de23001b",
			"git-3f78685", "sha256-" + strings.Repeat("a", 64) + ".sig",
		},
		"": {""},
	} {
		for _, tag := range tags {
			if got := ClassOf(tag); got != class {
				t.Errorf("%q: %q, want %q", tag, got, class)
			}
		}
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	parse := func(s string) Platform {
		p, err := ParsePlatform(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tc := range []struct {
		have, want string
		match      bool
	}{
		{"linux/amd64", "linux/amd64", true},
		{"linux/arm64/v8", "linux/arm64", true},
		{"linux/arm64", "linux/arm64/v8", true},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm/v7", "linux/arm", true},
		{"linux/x86_64", "linux/amd64", true},
		{"Linux/AMD64", "linux/amd64", true},
		{"linux/aarch64", "linux/arm64/v8", true},
		{"linux/armhf", "linux/arm/v7", true},
		{"linux/arm/7", "linux/arm/v7", true},
		{"linux/amd64", "windows/amd64", false},
	} {
		if got := parse(tc.have).Matches(parse(tc.want)); got != tc.match {
			t.Errorf("%s matches %s: %v", tc.have, tc.want, got)
		}
	}
	for _, bad := range []string{"", "linux", "linux/", "/amd64", "a/b/c/d"} {
		if p, err := ParsePlatform(bad); err == nil {
			t.Errorf("%q accepted as %v", bad, p)
		}
	}
}

// The grammar's own cases: what it accepts as a normalised reference we accept,
// with the same name, and what it refuses we refuse.
func TestGrammarCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "suites", "distribution-reference", "cases.json"))
	if err != nil {
		t.Skip("the grammar's cases are not beside the repository: ", err)
	}
	var tables []struct {
		Func, Var string
		Cases     []json.RawMessage
	}
	if err := json.Unmarshal(raw, &tables); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, table := range tables {
		for _, c := range table.Cases {
			switch table.Func {
			case "TestParseDockerRef":
				var tc struct{ Input, Expected string }
				if json.Unmarshal(c, &tc) != nil || tc.Input == "" {
					continue
				}
				checked++
				r, err := Parse(tc.Input)
				switch {
				case err != nil:
					// Only sha256 and sha512 digests of full length can be verified.
					if !strings.Contains(tc.Input, "@") {
						t.Errorf("%q refused: %v", tc.Input, err)
					}
				case !strings.HasPrefix(tc.Expected, r.Canonical()):
					t.Errorf("%q: canonical %q, the grammar says %q", tc.Input, r.Canonical(), tc.Expected)
				}
			case "TestValidateReferenceName":
				var s string
				if json.Unmarshal(c, &s) != nil {
					continue
				}
				checked++
				if _, err := Parse(s); (err == nil) != (table.Var == "validRepoNames") {
					t.Errorf("%s %q: error %v", table.Var, s, err)
				}
			case "TestParseRepositoryInfo":
				var tc struct{ AmbiguousName, FullName, RemoteName, Domain string }
				if json.Unmarshal(c, &tc) != nil || tc.FullName == "" || strings.HasPrefix(tc.FullName, "$") {
					continue
				}
				checked++
				r, err := Parse(tc.FullName)
				if err != nil || r.Registry() != tc.Domain || r.Repository() != tc.RemoteName {
					t.Errorf("%q: %s %s, error %v; want %s %s", tc.FullName, r.Registry(), r.Repository(), err, tc.Domain, tc.RemoteName)
				}
			}
		}
	}
	if checked < 60 {
		t.Fatalf("only %d cases were read", checked)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"nginx", "a/b:c@" + sha256A, "[::1]:5/x", "localhost:5000/a/b:t", "A", "a@sha256:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			return
		}
		if r.String() != s {
			t.Fatalf("%q prints as %q", s, r)
		}
		if r.Canonical() == "" || r.Registry() == "" || r.Repository() == "" {
			t.Fatalf("%q has no canonical name: %+v", s, r)
		}
		again, err := Parse(r.Canonical())
		if err != nil || again.Canonical() != r.Canonical() {
			t.Fatalf("%q: canonical name %q does not stay: %v", s, r.Canonical(), err)
		}
	})
}
