package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// Latest returns the newest verdict that the server recorded of r: of its digest if
// it has one, else of its tag. It is history (see [v1.Latest.AgeSeconds]).
func (c *Client) Latest(ctx context.Context, r ref.Ref) (out v1.Latest, err error) {
	err = c.ask(ctx, http.MethodGet, "/verdicts/latest", url.Values{"reference": {r.String()}}, nil, &out)
	return out, err
}

// Verdict returns one verdict with its report.
func (c *Client) Verdict(ctx context.Context, id int64) (out v1.Verdict, err error) {
	err = c.ask(ctx, http.MethodGet, "/verdicts/"+strconv.FormatInt(id, 10), nil, nil, &out)
	return out, err
}

// Why returns why a verdict is what it is.
func (c *Client) Why(ctx context.Context, id int64) (out v1.Why, err error) {
	err = c.ask(ctx, http.MethodGet, "/verdicts/"+strconv.FormatInt(id, 10)+"/why", nil, nil, &out)
	return out, err
}

// History returns a page of the transitions of a tag, newest first. before is that
// of the page before, 0 for the first; limit 0 is the server's.
func (c *Client) History(ctx context.Context, r ref.Ref, before int64, limit int) (out v1.History, err error) {
	q := url.Values{"reference": {r.String()}}
	number(q, "before", before)
	number(q, "limit", int64(limit))
	err = c.ask(ctx, http.MethodGet, "/history", q, nil, &out)
	return out, err
}

// Tags returns a page of the tags of a repository; after is that of the page
// before, "" for the first.
func (c *Client) Tags(ctx context.Context, repository, after string) (out v1.Tags, err error) {
	q := url.Values{"repository": {repository}}
	if after != "" {
		q.Set("after", after)
	}
	err = c.ask(ctx, http.MethodGet, "/tags", q, nil, &out)
	return out, err
}

// Events returns a page of events after a number, oldest first; kind "" is all
// types.
func (c *Client) Events(ctx context.Context, after int64, kind string) (out v1.Events, err error) {
	q := url.Values{}
	number(q, "after", after)
	if kind != "" {
		q.Set("type", kind)
	}
	err = c.ask(ctx, http.MethodGet, "/events", q, nil, &out)
	return out, err
}

// Inventory returns what was found when it was last looked what runs: all places,
// or with its report the one that is named.
func (c *Client) Inventory(ctx context.Context, place string) (out v1.Inventory, err error) {
	q := url.Values{}
	if place != "" {
		q.Set("context", place)
	}
	err = c.ask(ctx, http.MethodGet, "/inventory", q, nil, &out)
	return out, err
}

// Checkpoint returns what the whole log is.
func (c *Client) Checkpoint(ctx context.Context) (out v1.Checkpoint, err error) {
	err = c.ask(ctx, http.MethodGet, "/checkpoint", nil, nil, &out)
	return out, err
}

func number(q url.Values, name string, n int64) {
	if n > 0 {
		q.Set(name, strconv.FormatInt(n, 10))
	}
}

// Scan asks for the tag of r, or the image if r has a digest, to be judged now, and
// returns at once.
func (c *Client) Scan(ctx context.Context, r ref.Ref) (out v1.Scan, err error) {
	err = c.ask(ctx, http.MethodPost, "/scans", nil, v1.ScanRequest{Reference: r.String()}, &out)
	return out, err
}

// ErrGivenUp is that the server could not judge.
var ErrGivenUp = errors.New("the scan was given up")

// patience is how often in a row a question of Wait may fail: a server that is
// started again goes on with what it was asked for.
const patience = 5

// Wait asks every so often how far s is, until it is not waiting any more or ctx is
// done. The error of a scan that was given up is the server's.
func (c *Client) Wait(ctx context.Context, s v1.Scan, every time.Duration) (v1.Scan, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	q := url.Values{"reference": {s.Reference}, "number": {strconv.FormatInt(s.Number, 10)}}
	for failed := 0; ; {
		switch s.State {
		case v1.Done:
			return s, nil
		case v1.Failed:
			return s, fmt.Errorf("ask server %s: %q: %w: %s", c.base.Host, s.Reference, ErrGivenUp, strings.TrimSpace(s.Error))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s, fmt.Errorf("ask server %s: the scan of %q is not done: %w", c.base.Host, s.Reference, ctx.Err())
		}
		// Not into s: members that are left out would stay.
		var now v1.Scan
		err := c.ask(ctx, http.MethodGet, "/scans", q, nil, &now)
		if failed++; err != nil && (Refused(err) || failed >= patience || ctx.Err() != nil) {
			return s, err
		}
		if err == nil {
			s, failed = now, 0
		}
	}
}
