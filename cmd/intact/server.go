package main

import (
	"context"
	"math"

	"github.com/intact-dev/intact/pkg/client"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/urfave/cli/v2"
)

// serverToken is the variable that holds the token for --server: a flag would show
// it to everybody on the machine.
const serverToken = "INTACT_SERVER_TOKEN"

func serverFlag() cli.Flag {
	return str("server", "`URL` of intact serve, which is asked in the place of a ledger; its token is in "+serverToken, "")
}

// A serverRecord is the ledger of a service, asked over its API.
type serverRecord struct {
	*client.Client
	address string
}

func askServer(p program, address string) (serverRecord, error) {
	token, _ := p.env(serverToken)
	c, err := client.New(address, token, client.Options{UserAgent: "intact/" + toolVersion()})
	if err != nil {
		return serverRecord{}, usage(err, "write --server https://HOST, and put a token of its config into "+serverToken)
	}
	return serverRecord{c, address}, nil
}

// String is the address.
func (s serverRecord) String() string { return s.address }

// Now is what the tag means by the last transition; when it was last seen a server
// does not say.
func (s serverRecord) Now(ctx context.Context, r ref.Ref) (store.Now, bool, error) {
	page, err := s.Client.History(ctx, r, 0, 1)
	// A tag that was never seen has an empty history. A 404 is an API that is off, or
	// another server: it says nothing about the tag.
	if err != nil || len(page.Transitions) == 0 {
		return store.Now{}, false, err
	}
	t := page.Transitions[0]
	return store.Now{Repository: page.Repository, Tag: page.Tag, Digest: t.To, Platforms: t.Platforms}, true, nil
}

// History asks for all pages.
func (s serverRecord) History(ctx context.Context, r ref.Ref, before int64, _ int) ([]store.Entry, error) {
	if before == math.MaxInt64 {
		before = 0
	}
	var out []store.Entry
	for {
		page, err := s.Client.History(ctx, r, before, 0)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Transitions {
			out = append(out, store.Entry{Seq: t.Seq, Transition: ledger.Transition{
				Repository: page.Repository, Tag: page.Tag, From: t.From, To: t.To, At: t.At, Source: t.Source, Platforms: t.Platforms,
			}})
		}
		if page.Before == 0 {
			return out, nil
		}
		before = page.Before
	}
}
