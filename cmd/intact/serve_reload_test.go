package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/urfave/cli/v2"
)

// A config that names no policy any more means the one of the start again.
func TestAPolicyThatIsTakenOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("policy.yaml", "schema: intact.policy/v1\nname: loose\nextends: audit@1\n")
	const served = "schema: intact.config/v1\nserve:\n  endpoints: [{name: local, kind: distribution, registry: localhost:5000, repositories: [\"localhost:5000/**\"], auth: {type: bearer, secretEnv: HOOK}}]\n"
	file := write("config.yaml", served+"  policy: policy.yaml\n")
	p := program{env: func(string) (string, bool) { return "", false }}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	for _, f := range newApp(p).Command("serve").Flags {
		if err := f.Apply(flags); err != nil {
			t.Fatal(err)
		}
	}
	if err := flags.Parse([]string{"--config", file, "--no-cache"}); err != nil {
		t.Fatal(err)
	}
	c := cli.NewContext(cli.NewApp(), flags, nil)
	load := policyOf(c)
	for _, step := range []struct{ text, want string }{
		{served + "  policy: policy.yaml\n", "loose"}, {served, "baseline@1"}, {served + "  policy: policy.yaml\n", "loose"},
	} {
		write("config.yaml", step.text)
		s, err := loadSnapshot(t.Context(), p, c, load, &publicTrust{})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Options.Policy.Name(); got != step.want {
			t.Errorf("policy %q, not %q", got, step.want)
		}
		s.Close()
	}
}
