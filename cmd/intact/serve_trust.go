package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve"
	"github.com/intact-dev/intact/pkg/verify/trustroot"
	"github.com/urfave/cli/v2"
)

// trusts says in out what keyless signatures are verified with.
func (s *scanSetup) trusts(c *cli.Context, out *serve.Snapshot) {
	own, public := s.options.Policy.Roots()
	out.TrustNotes = endedRoots(own, time.Now())
	if !public {
		return
	}
	out.Trust = func(ctx context.Context) (serve.TrustRoot, error) {
		b, info, err := s.public.get(ctx, c)
		switch {
		case errors.Is(err, trustroot.ErrExpired):
			return serve.TrustRoot{Why: "its metadata has expired"}, err
		case err != nil:
			return serve.TrustRoot{}, err
		}
		return serve.TrustRoot{Digest: ref.DigestOf(b, ""), At: info.At, Expires: info.Expires, Why: sourceOf(info)}, nil
	}
}

// sourceOf says in short why a root is not fresh; the log of the run has the rest.
func sourceOf(info trustroot.Info) string {
	switch info.Source {
	case trustroot.FromTUF:
		return ""
	case trustroot.FromCache:
		return "a copy, since it could not be had anew"
	}
	return "the one that is built in, since it could not be had and there is no copy"
}

// endedRoots are notes about roots that nothing can be signed with any more.
func endedRoots(own []policy.Root, now time.Time) []string {
	var out []string
	for _, r := range own {
		switch end, err := trustroot.Ended(r.JSON); {
		case err != nil:
			out = append(out, fmt.Sprintf("the trust root %q cannot be read", r.Name))
		case !end.IsZero() && !now.Before(end):
			out = append(out, fmt.Sprintf("the last authority of the trust root %q ended on %s: what was signed since is not verified", r.Name, end.UTC().Format(time.DateOnly)))
		}
	}
	return out
}
