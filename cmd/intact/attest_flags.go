package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/urfave/cli/v2"
)

// attestFlags are those of scan that say what is examined and how it is reached,
// and how the verdict is signed. Who must have signed the image is the policy's to
// say: its digest is in the statement.
func attestFlags() []cli.Flag {
	names := []string{"policy", "config", "depth", "format", "trusted-root", "plain-http", "allow-redirect", "timeout", "deadline", "jobs",
		"cache-dir", "no-cache", "quiet", "verbose"}
	var shared []cli.Flag
	for _, f := range imageFlags() {
		if slices.Contains(names, f.Names()[0]) {
			shared = append(shared, f)
		}
	}
	// Some have a variable of their own: what INTACT_KEY and INTACT_OUTPUT are for
	// scan is something else.
	return append([]cli.Flag{
		own("key", "private key `FILE` to sign with: cosign.key, with its password in COSIGN_PASSWORD, or PKCS #8"),
		own("identity-token", "`FILE` with an identity token to sign with instead of a key, also in SIGSTORE_ID_TOKEN"),
		own("output", "write the bundle to `FILE`; - is standard output, in place of the report"),
		boolean("push", "store the bundle in the registry, as a referrer of the image"),
		boolean("each-platform", "name the manifests of the platforms that were examined as subjects, too"),
		str("verifier", "`URI` of who verified; whoever requires the statement holds it against the key", attest.DefaultVerifier),
		own("fulcio-url", "`URL` of the Fulcio that issues certificates for tokens (default: "+attest.PublicFulcio+")"),
		own("rekor-url", "`URL` of the log, which is public: with a key only if this is given (default, for tokens: "+attest.PublicRekor+")"),
		str("platform", "`PLATFORM` whose layers are read: all, or os/arch[/variant], several with commas", "all"),
	}, shared...)
}

// own is a flag whose variable is INTACT_ATTEST_….
func own(name, text string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: text, EnvVars: envVar("attest-" + name)}
}

// checkAttestArguments finds what is wrong before anything is asked.
func checkAttestArguments(c *cli.Context) error {
	switch {
	case c.NArg() == 0:
		return usage(errors.New("no image given"), "intact attest --key cosign.key --push IMAGE")
	case c.NArg() > 1:
		return usage(fmt.Errorf("%d images, and a statement is about one", c.NArg()), "run it once for each")
	case c.String("output") == "" && !c.Bool("push"):
		return usage(errors.New("nowhere to write the statement to"), "give --output FILE, or --push to store it beside the image")
	case c.String("output") == "-" && slices.ContainsFunc(c.StringSlice("format"), func(f string) bool { return !strings.Contains(f, "=") }):
		return usage(errors.New("the bundle and a report for standard output"), "give the report a file: --format text=FILE")
	}
	if err := attest.CheckVerifier(c.String("verifier")); err != nil {
		return usage(fmt.Errorf("--verifier: %w", err), "write a URI that names you, such as https://acme.example/intact")
	}
	prefix, _, err := splitArgument(c.Args().First(), exists)
	if err == nil && prefix != "" {
		err = usage(fmt.Errorf("%q is not in a registry", c.Args().First()), "push the image first: others find a statement by the name that the image has there")
	}
	return err
}

// attestSigner reads what signs.
func attestSigner(p program, c *cli.Context) (attest.Signer, error) {
	s := attest.Signer{Fulcio: c.String("fulcio-url"), Rekor: c.String("rekor-url")}
	if file := c.String("key"); file != "" {
		text, err := readLimited(file)
		if err == nil {
			password, _ := p.env("COSIGN_PASSWORD")
			s.Key, err = attest.ReadKey(text, password)
		}
		if err != nil {
			hint := "make one with: cosign generate-key-pair"
			if errors.Is(err, attest.ErrPassword) {
				hint = "is COSIGN_PASSWORD right?"
			}
			return s, usage(fmt.Errorf("--key %q: %w", file, err), hint)
		}
	}
	if file := c.String("identity-token"); file != "" {
		text, err := readLimited(file)
		if err != nil {
			return s, usage(fmt.Errorf("--identity-token %q: %w", file, err), "give a file that holds the token")
		}
		s.Token = strings.TrimSpace(string(text))
	} else if s.Key == nil {
		token, _ := p.env("SIGSTORE_ID_TOKEN")
		s.Token = strings.TrimSpace(token)
	}
	if err := s.Check(); err != nil {
		return s, usage(err, "give --key FILE, or --identity-token FILE")
	}
	return s, nil
}
