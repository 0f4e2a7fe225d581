package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand(p program) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for bash, zsh or fish", ArgsUsage: "SHELL",
		Description: "Examples:\n  intact completion bash > /etc/bash_completion.d/intact\n  intact completion zsh > \"${fpath[1]}/_intact\"\n" +
			"  intact completion fish > ~/.config/fish/completions/intact.fish",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage(fmt.Errorf("completion needs one shell"), "intact completion bash, zsh or fish")
			}
			script, err := completionScript(c.App.Commands, c.Args().First())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(p.stdout, script)
			return err
		},
	}
}

// A completion is what can follow a place on the command line: after the words
// of a command path ("scan", "policy lint"), or after a flag ("--policy").
type completion struct {
	after string
	words []string
}

func completions(commands []*cli.Command) []completion {
	out := []completion{{words: append(names(commands), "--help")}}
	var walk func(path string, commands []*cli.Command)
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Name == "help" {
				continue // --help says the same
			}
			at := strings.TrimSpace(path + " " + c.Name)
			words := append(names(c.Subcommands), arguments(at)...)
			for _, f := range c.Flags {
				for _, n := range f.Names() {
					if len(n) > 1 {
						words = append(words, "--"+n)
					}
				}
			}
			words = append(words, "--help")
			sort.Strings(words)
			words = slices.Compact(words)
			out = append(out, completion{at, words})
			walk(at, c.Subcommands)
		}
	}
	walk("", commands)
	return append(out,
		completion{"--policy", embeddedNames()},
		completion{"--format", formatWords()},
		completion{"--depth", []string{"reference", "manifest", "layers"}},
		completion{"--workloads", []string{"kubernetes", "docker", "containerd"}},
		completion{"--platform", []string{"all", "linux/amd64", "linux/arm64"}})
}

// arguments are the words that a command takes beside flags.
func arguments(command string) []string {
	switch command {
	case "completion":
		return []string{"bash", "zsh", "fish"}
	case "policy lint":
		return embeddedNames()
	case "scan":
		return []string{"oci:", "archive:", "docker-daemon:", "containerd:"}
	case "explain":
		var ids []string
		for _, c := range allChecks() {
			ids = append(ids, c.ID)
		}
		return ids
	}
	return nil
}

func names(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		if !c.Hidden && c.Name != "help" {
			out = append(out, c.Name)
		}
	}
	sort.Strings(out)
	return out
}

func completionScript(commands []*cli.Command, shell string) (string, error) {
	all := completions(commands)
	switch shell {
	case "bash":
		return bashScript(all), nil
	case "zsh":
		return "#compdef intact\nautoload -U +X bashcompinit && bashcompinit\n" + bashScript(all), nil
	case "fish":
		return fishScript(all), nil
	}
	return "", usage(fmt.Errorf("no completion for %q", shell), "there is: bash, zsh, fish")
}

// bashScript looks at the flag before the cursor first, then at the longest
// command path. What is none of the words is completed as a file.
func bashScript(all []completion) string {
	var b strings.Builder
	b.WriteString("_intact() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" path=\"\" words=\"\" w\n")
	b.WriteString("  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do case \"$w\" in -*) ;; *) path=\"${path:+$path }$w\" ;; esac; done\n")
	b.WriteString("  case \"$prev\" in\n")
	for _, c := range all {
		if strings.HasPrefix(c.after, "-") {
			fmt.Fprintf(&b, "    %s) words=%q ;;\n", c.after, strings.Join(c.words, " "))
		}
	}
	b.WriteString("    *) case \"$path\" in\n")
	for i := len(all) - 1; i >= 0; i-- { // the longest path first
		if c := all[i]; !strings.HasPrefix(c.after, "-") {
			pattern := fmt.Sprintf("%q|%q*", c.after, c.after+" ")
			if c.after == "" {
				pattern = `""`
			}
			fmt.Fprintf(&b, "      %s) words=%q ;;\n", pattern, strings.Join(c.words, " "))
		}
	}
	b.WriteString("    esac ;;\n  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _intact intact\n")
	return b.String()
}

func fishScript(all []completion) string {
	var b strings.Builder
	for _, c := range all {
		if flag, ok := strings.CutPrefix(c.after, "--"); ok {
			fmt.Fprintf(&b, "complete -c intact -l %s -x -a '%s'\n", flag, strings.Join(c.words, " "))
			continue
		}
		condition := "__fish_use_subcommand"
		if c.after != "" {
			condition = "__fish_seen_subcommand_from " + c.after[strings.LastIndexByte(c.after, ' ')+1:]
		}
		for _, w := range c.words {
			if long, ok := strings.CutPrefix(w, "--"); ok {
				fmt.Fprintf(&b, "complete -c intact -n '%s' -l %s\n", condition, long)
			} else {
				fmt.Fprintf(&b, "complete -c intact -n '%s' -a %s\n", condition, w)
			}
		}
	}
	return b.String()
}
