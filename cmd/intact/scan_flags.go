package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// scanFlags are the flags of scan. Each can be given in the environment too.
func scanFlags() []cli.Flag {
	return slices.Concat(fileFlags(), imageFlags(), workloadFlags(), []cli.Flag{
		// Not in the environment: it says who judges.
		&cli.StringFlag{Name: "server", Usage: "have the images judged by intact serve at `URL`, by its policy; its token is in " + serverToken},
	})
}

func fileFlags() []cli.Flag {
	return []cli.Flag{
		// Not in the environment: it says what the arguments are.
		&cli.BoolFlag{Name: "file", Aliases: []string{"f"}, Usage: "all arguments are paths: examine every image that the files there name; - is standard input (default: the current folder)"},
		list("rendered", "with -f, `DIR` with what you render of Helm charts (helm template): read like the paths, it answers for charts that are not rendered here; may be repeated"),
		str("changed-since", "with -f, only references that the commits since this Git `REVISION` touched, such as origin/main; files are read from Git", ""),
		str("baseline", "earlier JSON report `FILE`: what it has already is counted and not failed on", ""),
	}
}

func imageFlags() []cli.Flag {
	return []cli.Flag{
		str("policy", "`NAME` of an embedded policy (baseline, strict, audit) or a policy file", "baseline"),
		str("config", "`FILE` that says how to reach registries (default: config.yaml in the user's config folder, if there)", ""),
		str("depth", "`DEPTH` of the examination: reference, manifest or layers (default: the policy's; layers, for images that are named)", ""),
		str("platform", "`PLATFORM` whose layers are read: all, or os/arch[/variant], several with commas (default: this machine's, or the only one)", ""),
		list("format", "report `FORMAT`: text, json, sarif, junit, github, gitlab or markdown, optionally =FILE; may be repeated (default: text)"),
		str("output", "write the report to `FILE` instead of standard output", ""),
		str("ledger", "judge tags by the ledger at `WHERE`, too: a file, a postgres:// URL, or config for the one that the config names", ""),
		str("as", "judge a local image under the `NAME` that it will be pushed to, and say what the push would overwrite", ""),

		str("key", "public key `FILE` that must have signed every image; replaces the policy's signature rules", ""),
		str("certificate-identity", "`IDENTITY` in the certificate of whoever must have signed every image; needs --certificate-oidc-issuer", ""),
		str("certificate-identity-regexp", "as --certificate-identity, a regular `EXPRESSION` for the whole identity", ""),
		str("certificate-oidc-issuer", "`URL` of the issuer of the identity, exact", ""),
		str("trusted-root", "trusted_root.json `FILE` in place of Sigstore's public root", ""),
		boolean("insecure-ignore-tlog", "accept signatures by --key that are in no transparency log"),
		boolean("insecure-ignore-sct", "accept certificates without a certificate log's timestamp"),

		list("plain-http", "`HOST` to speak to without TLS; may be repeated"),
		list("allow-redirect", "`HOST` at a private address that registries may redirect to; may be repeated"),
		boolean("offline", "ask no registry and fetch no trust root; local images only"),
		dur("timeout", "`TIME` limit per image, such as 90s", "15m"),
		dur("deadline", "`TIME` limit for the whole run; what is not done by then is undecided", ""),
		integer("jobs", "`NUMBER` of layers and images in flight", 0),
		str("cache-dir", "`FOLDER` for facts about content that was already read (default: the user's cache folder)", ""),
		boolean("no-cache", "read everything again and keep nothing"),
		boolean("facts", "put the facts into the JSON report"),
		str("now", "judge as of this `TIME` (RFC 3339 or a day) instead of today", ""),
		boolean("quiet", "show no progress"),
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "show every finding and outcome", EnvVars: envVar("verbose")},
	}
}

func str(name, text, value string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: text, Value: value, EnvVars: envVar(name)}
}

func boolean(name, text string) cli.Flag {
	return &cli.BoolFlag{Name: name, Usage: text, EnvVars: envVar(name), DisableDefaultText: true}
}

func list(name, text string) cli.Flag {
	return &cli.StringSliceFlag{Name: name, Usage: text, EnvVars: envVar(name)}
}

func integer(name, text string, value int) cli.Flag {
	return &cli.IntFlag{Name: name, Usage: text, Value: value, EnvVars: envVar(name), DefaultText: "by the number of cores"}
}

func dur(name, text, shown string) cli.Flag {
	f := &cli.DurationFlag{Name: name, Usage: text, EnvVars: envVar(name), DefaultText: shown, Action: func(_ *cli.Context, d time.Duration) error {
		// A limit below zero is none, silently; so is one of zero, but --timeout has a
		// standard one then.
		if d < 0 || d == 0 && name == "timeout" {
			return usage(fmt.Errorf("--%s is %s", name, d), "write a time with its unit: 90s, 15m")
		}
		return nil
	}}
	if shown == "" {
		f.DefaultText = "none"
	}
	return f
}

// several are the values of a flag whose values have no comma in them: several may
// stand in one.
func several(c *cli.Context, flag string) []string {
	var out []string
	for _, v := range c.StringSlice(flag) {
		for name := range strings.SplitSeq(v, ",") {
			if name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}
