package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/attest"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

func attestCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "attest",
		Usage:     "examine an image and sign what came of it",
		UsageText: "intact attest [flags] IMAGE",
		Description: `IMAGE is a reference in a registry. It is examined and judged as intact scan does,
all platforms of it, and the verdict is written as a signed in-toto statement about
its digest: a SLSA verification summary, PASSED if the policy allows it, with
warnings too, FAILED if it denies it. What is undecided is not attested.

It changes nothing but what it is asked to: --output writes a file; --push stores
the bundle beside the image, where cosign, policy-controller, Kyverno and intact
find it, and changes no tag of yours.

Examples:
  intact attest --key cosign.key --push ghcr.io/acme/api:1.4.2
  intact attest --key cosign.key --policy strict --output api.sigstore.json ghcr.io/acme/api:1.4.2
  intact attest --identity-token token.jwt --push ghcr.io/acme/api:1.4.2

Exit status: 0 attested as PASSED; 1 attested as FAILED; 2 usage or configuration,
or it could not be signed or written; 3 undecided: nothing was attested.`,
		Flags:  attestFlags(),
		Action: func(c *cli.Context) error { return runAttest(c.Context, p, c) },
	}
}

func runAttest(ctx context.Context, p program, c *cli.Context) error {
	if err := checkAttestArguments(c); err != nil {
		return err
	}
	var outputs []output
	if c.String("output") != "-" || len(c.StringSlice("format")) > 0 {
		var err error
		if outputs, err = parseOutputs(c.StringSlice("format"), ""); err != nil {
			return err
		}
	}
	if err := checkPlaces(append(slices.Clone(outputs), output{file: place(c.String("output"))})); err != nil {
		return err
	}
	signer, err := attestSigner(p, c)
	if err != nil {
		return err
	}
	s, err := newScanSetup(ctx, p, c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := limited(ctx, c)
	defer cancel()
	targets, err := s.targets(ctx, c.Args().Slice())
	if err != nil {
		return err
	}
	start := time.Now()
	r := scan.Run(ctx, targets, s.options)
	s.progress.Stop()
	r.Elapsed = time.Since(start)
	if err := s.write(r, outputs); err != nil {
		return err
	}
	v, ok := verdictOf(r, targets[0].Ref, s.options.Depth)
	if !ok {
		return &exitError{code: exitUndecided, cause: fmt.Errorf("%s: %w", targets[0].Text, attest.ErrUndecided), hint: "see intact scan " + targets[0].Text}
	}
	v.Verifier, v.Version, v.Time = c.String("verifier"), toolVersion(), time.Now()
	if !c.Bool("each-platform") {
		v.Manifests = nil
	}
	if err := s.attest(ctx, c, signer, v); err != nil {
		return err
	}
	if v.Decision == policy.Deny {
		return &exitError{code: exitDenied}
	}
	return nil
}

// verdictOf is what a report of one image says, false if it is undecided: the
// report's verdict is about the image and about how it was asked for.
func verdictOf(r *report.Report, name ref.Ref, depth policy.Depth) (attest.Verdict, bool) {
	if len(r.Targets) != 1 || len(r.Images) != 1 || r.Targets[0].Image != r.Images[0].ID || r.Images[0].ID == "" {
		return attest.Verdict{}, false
	}
	switch r.Verdict {
	case policy.Allow, policy.Warn, policy.Deny:
	default:
		return attest.Verdict{}, false
	}
	img := r.Images[0]
	v := attest.Verdict{
		Decision: r.Verdict, Image: name, Digest: img.ID, Depth: depth, NotAsked: img.Summary.NotAsked,
		Policy: attest.Policy{Name: r.Policy.Name, Digest: r.Policy.Digest}, AcceptedUndecided: r.Counts.AcceptedUndecided,
	}
	for _, p := range img.Platforms {
		if depth != policy.DepthLayers || !p.Examined || openOf(img.Results, p.Platform) {
			continue
		}
		v.Platforms = append(v.Platforms, p.Platform)
		v.Manifests = append(v.Manifests, attest.Manifest{Platform: p.Platform, Digest: p.Manifest})
	}
	for _, reason := range slices.Concat(r.Targets[0].Verdict.Reasons, img.Verdict.Reasons) {
		list := &v.Warned
		switch {
		case reason.Check == "" || reason.Exception != "":
			continue
		case reason.Decision == policy.Deny:
			list = &v.Failed
		}
		if !slices.Contains(*list, reason.Check) {
			*list = append(*list, reason.Check)
		}
	}
	return v, true
}

// openOf reports whether something about a platform is undecided, whatever the
// policy makes of it: such a platform is not called examined.
func openOf(results []*report.Result, platform string) bool {
	return slices.ContainsFunc(results, func(r *report.Result) bool { return r.Outcome == check.Undecided && r.Platform == platform })
}
