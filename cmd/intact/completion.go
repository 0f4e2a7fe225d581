package main

import (
	"fmt"
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

// word is one completion: a command path and what can follow it.
type word struct {
	path  string // "", "scan", "policy lint"
	words []string
}

func completionWords(commands []*cli.Command) []word {
	words := []word{{words: names(commands)}}
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		w := word{path: c.Name, words: names(c.Subcommands)}
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				if len(n) > 1 {
					w.words = append(w.words, "--"+n)
				}
			}
		}
		sort.Strings(w.words)
		words = append(words, w)
	}
	return words
}

func names(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	sort.Strings(out)
	return out
}

func completionScript(commands []*cli.Command, shell string) (string, error) {
	words := completionWords(commands)
	var b strings.Builder
	switch shell {
	case "bash", "zsh":
		if shell == "zsh" {
			b.WriteString("#compdef intact\nautoload -U +X bashcompinit && bashcompinit\n")
		}
		b.WriteString("_intact() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n  case \"$COMP_CWORD:${COMP_WORDS[1]}\" in\n")
		for _, w := range words {
			pattern := "*:" + w.path
			if w.path == "" {
				pattern = "1:*"
			}
			fmt.Fprintf(&b, "    %s) words=%q ;;\n", pattern, strings.Join(w.words, " "))
		}
		b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- \"$cur\")); fi\n}\ncomplete -F _intact intact\n")
	case "fish":
		for _, w := range words {
			for _, s := range w.words {
				condition := "__fish_use_subcommand"
				if w.path != "" {
					condition = "__fish_seen_subcommand_from " + w.path
				}
				if long, ok := strings.CutPrefix(s, "--"); ok {
					fmt.Fprintf(&b, "complete -c intact -n '%s' -l %s\n", condition, long)
				} else {
					fmt.Fprintf(&b, "complete -c intact -n '%s' -a %s\n", condition, s)
				}
			}
		}
	default:
		return "", usage(fmt.Errorf("no completion for %q", shell), "there is: bash, zsh, fish")
	}
	return b.String(), nil
}
