package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/urfave/cli/v2"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/signing"
)

const repository = "../.."

var update = flag.Bool("update", false, "rewrite the generated documentation")

// fresh holds the file name, below the repository's root, against want; with
// -update it writes it first.
func fresh(t *testing.T, name string, want []byte) {
	t.Helper()
	file := filepath.Join(repository, filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go generate ./cmd/intact", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is stale; run go generate ./cmd/intact (-want +got):\n%s", name, d)
	}
}

// intact runs the command line in this process.
func intact(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), program{
		args: append([]string{"intact"}, args...), env: func(string) (string, bool) { return "", false },
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
	})
	return code, out.String(), errs.String()
}

// example renders what c reports on its example case, made by running it.
func example(t *testing.T, c check.Check) string {
	t.Helper()
	if !strings.HasPrefix(c.ID, "SIG") {
		return checktest.Example(t, filepath.Join(repository, "pkg/checks/testdata"), c)
	}
	files, err := filepath.Glob(filepath.Join(repository, "pkg/policy/signing/testdata", c.ID, "fail-example-*.txtar"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: its example is one of %d cases, %v", c.ID, len(files), err)
	}
	archive, err := txtar.ParseFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var facts fact.Set
	var question struct {
		Rule *signing.Rule `json:"rule"`
	}
	for _, f := range archive.Files {
		var into any
		switch f.Name {
		case "facts.json":
			into = &facts
		case "rule.json":
			into = &question
		default:
			continue
		}
		if err := json.Unmarshal(f.Data, into); err != nil {
			t.Fatalf("%s: %s: %v", files[0], f.Name, err)
		}
	}
	for _, own := range signing.Checks(question.Rule, signing.Options{}) {
		if own.ID == c.ID {
			return checktest.Render(own, check.Evaluate(own, &facts))
		}
	}
	t.Fatalf("%s is no check on signatures", c.ID)
	return ""
}

func TestDocsChecks(t *testing.T) {
	examples := map[string]string{}
	for _, c := range allChecks() {
		text := example(t, c)
		if !strings.HasPrefix(text, "FAIL "+c.ID+"  ") {
			t.Errorf("%s: the example shows no failure of it:\n%s", c.ID, text)
		}
		examples[c.ID] = text
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(examples); err != nil {
		t.Fatal(err)
	}
	fresh(t, "pkg/checks/examples.json", b.Bytes())
	checktest.Pages(t, filepath.Join(repository, "docs/checks"), allChecks(),
		func(c check.Check) string { return examples[c.ID] }, *update)
	if *update {
		return // what is compiled in is the old one
	}
	for _, c := range allChecks() {
		if checks.Example(c) != examples[c.ID] {
			t.Errorf("%s: the example that is compiled in differs", c.ID)
		}
		page, err := os.ReadFile(filepath.Join(repository, "docs/checks", check.PageName(c.ID)))
		if err != nil {
			t.Error(err)
			continue
		}
		code, stdout, stderr := intact(t, "explain", strings.ToLower(c.ID))
		if d := cmp.Diff(string(page), stdout); d != "" || code != exitAllowed || stderr != "" {
			t.Errorf("explain %s: exit %d, %s(-page +printed):\n%s", c.ID, code, stderr, d)
		}
	}
}

const cliHead = `# Command line

Generated from the program. ` + "`intact COMMAND --help`" + ` shows the same.

Flags may stand before or after the arguments; everything after ` + "`--`" + ` is an argument. The report goes to standard
output, everything else to standard error, as ` + "`intact: error|hint|warning: …`" + `. [Exit codes](exit-codes.md) do not
depend on the format. Beside the variables below the usual ones count: ` + "`DOCKER_CONFIG`, `HTTPS_PROXY`, `HTTP_PROXY`," + `
` + "`NO_PROXY`, `NO_COLOR`" + `.
`

func TestDocsCLI(t *testing.T) {
	var b strings.Builder
	b.WriteString(cliHead)
	for _, c := range newApp(program{}).Commands {
		writeCommand(&b, "intact", c)
	}
	fresh(t, "docs/cli.md", []byte(b.String()))
}

func writeCommand(b *strings.Builder, parent string, c *cli.Command) {
	if c.Hidden || c.Name == "help" {
		return
	}
	name := parent + " " + c.Name
	fmt.Fprintf(b, "\n## %s\n\n%s%s.\n", name, strings.ToUpper(c.Usage[:1]), c.Usage[1:])
	synopsis := c.UsageText
	if synopsis == "" {
		synopsis = strings.TrimSpace(name + " " + c.ArgsUsage)
	}
	if len(c.Subcommands) == 0 {
		text := synopsis
		if c.Description != "" {
			text += "\n\n" + c.Description
		}
		fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimSpace(text))
	}
	if len(c.Flags) > 1 { // all have --help
		b.WriteString("\n| flag | environment | default | |\n| --- | --- | --- | --- |\n")
	}
	for _, f := range c.Flags {
		writeFlag(b, f)
	}
	for _, s := range c.Subcommands {
		writeCommand(b, name, s)
	}
}

var placeholder = regexp.MustCompile("`([^`]+)`")

func writeFlag(b *strings.Builder, f cli.Flag) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || slices.Contains(f.Names(), "help") {
		return
	}
	var names []string
	for _, n := range f.Names() {
		dashes := "--"
		if len(n) == 1 {
			dashes = "-"
		}
		names = append(names, "`"+dashes+n+"`")
	}
	head := strings.Join(names, ", ")
	if d.TakesValue() {
		value := "VALUE"
		if m := placeholder.FindStringSubmatch(d.GetUsage()); m != nil {
			value = m[1]
		}
		head = strings.TrimSuffix(head, "`") + " " + value + "`"
	}
	standard := strings.Trim(d.GetDefaultText(), `"`)
	if !d.TakesValue() {
		standard = ""
	}
	var env []string
	for _, v := range d.GetEnvVars() {
		env = append(env, "`"+v+"`")
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", head, strings.Join(env, ", "), standard, strings.ReplaceAll(placeholder.ReplaceAllString(d.GetUsage(), "$1"), "|", `\|`))
}

const exitHead = `# Exit codes

Generated from the program. The format of the report never changes the code.

| code | |
| --- | --- |
`

const exitTail = `
- 1 wins over 3: a denied image is denied, whatever else could not be examined.
- What happens while an image is looked at never ends in 2: an unreachable registry, a tag that is not there, a refused
  login, a limit or a deadline is in the report, and the verdict is undecided (3) unless something is denied.
- 2 is a mistake in the call, and nothing was examined: no argument, a flag that does not exist, a path that does not
  exist, text that is no reference, a policy or config with an error, a report file that cannot be written.
- Commands that test something (` + "`intact policy test`" + `) exit with 1 if it does not hold.
- SIGINT, SIGTERM and ` + "`--deadline`" + ` end a scan early: its report is still written, and what was not examined is
  undecided. A second signal ends the process at once.

A pipeline that lets only 0 pass is right.
`

func TestDocsExitCodes(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "exit.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(exitHead)
	rows := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(v.Names[0].Name, "exit") {
			fmt.Fprintf(&b, "| %s | %s |\n", v.Values[0].(*ast.BasicLit).Value, strings.TrimSpace(v.Comment.Text()))
			rows++
		}
		return true
	})
	if rows != 4 {
		t.Errorf("%d exit codes, want 4", rows)
	}
	b.WriteString(exitTail)
	fresh(t, "docs/exit-codes.md", []byte(b.String()))
}

var (
	elapsed = regexp.MustCompile(`, \d+\.\d s\n$`)
	shown   = regexp.MustCompile("(?s)(\\$ go run \\./cmd/intact scan oci:testdata/layouts/demo\n).*?(```)")
)

// The output in README.md is that of the command above it. The platform is named
// so that it is the same on every machine.
func TestDocsREADME(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Chdir(repository)
	code, stdout, stderr := intact(t, "scan", "--no-cache", "--platform", "linux/amd64", "oci:testdata/layouts/demo")
	if code != exitAllowed || stderr != "" {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	stdout = elapsed.ReplaceAllString(stdout, ", 0.0 s\n")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !shown.Match(readme) {
		t.Fatal("README.md does not show the command and its output")
	}
	want := shown.ReplaceAllFunc(readme, func(b []byte) []byte {
		m := shown.FindSubmatch(b)
		return slices.Concat(m[1], []byte("\n"+stdout), m[2])
	})
	t.Chdir("cmd/intact")
	fresh(t, "README.md", want)
}
