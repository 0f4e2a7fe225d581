package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/urfave/cli/v2"
)

// ofConfig is the WHERE that means the ledger of the config.
const ofConfig = "config"

func ledgerFlag() cli.Flag {
	return str("ledger", "`WHERE` the ledger is: a file, a postgres:// URL, or config for the one that the config names (default: config)", "")
}

// whereLedger is the place that --ledger or the config names.
func whereLedger(c *cli.Context, cfg *config.Config) (string, error) {
	where := c.String("ledger")
	if where == "" || where == ofConfig {
		where = cfg.Ledger.Where()
	}
	if where == "" {
		return "", usage(errors.New("no ledger is named"), "say where: --ledger FILE or --ledger postgres://host/database, or name it in the config")
	}
	return where, nil
}

// openLedger opens the ledger that the flags name. It makes none.
func openLedger(c *cli.Context) (*store.Store, error) {
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, err
	}
	where, err := whereLedger(c, cfg)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(c.Context, where, store.Options{})
	if err != nil {
		return nil, usage(err, ledgerHint(err))
	}
	return s, nil
}

func ledgerHint(err error) string {
	switch {
	case errors.Is(err, store.ErrNone):
		return "a ledger that was there before is lost: what tags were before is not known any more"
	case errors.Is(err, store.ErrDamaged):
		return "see docs/ledger.md for what to do about it"
	}
	return ""
}

// ledgers opens what the scan judges tags by, and what it records them in.
func (s *scanSetup) ledgers(ctx context.Context, c *cli.Context) error {
	records := s.reach.config.Ledger.Where()
	if c.String("ledger") != "" {
		where, err := whereLedger(c, s.reach.config)
		if err != nil {
			return err
		}
		st, err := store.Open(ctx, where, store.Options{})
		if err != nil {
			return usage(err, ledgerHint(err))
		}
		s.closers = append(s.closers, st.Close)
		s.judgeBy(ctx, st)
		if where == records {
			s.record(ctx, st)
			return nil
		}
	}
	if records == "" {
		return nil
	}
	// That nothing is recorded must not change what is judged.
	st, err := store.Open(ctx, records, store.Options{})
	if err != nil {
		s.notices.add("what tags mean is not recorded: " + err.Error())
		return nil
	}
	s.closers = append(s.closers, st.Close)
	s.record(ctx, st)
	return nil
}

// judgeBy takes the ledger for the tags of which no lock has a line. A lock was
// agreed on and speaks first; one that cannot be read is not replaced.
func (s *scanSetup) judgeBy(ctx context.Context, st *store.Store) {
	locks := s.options.TagHistory
	s.options.TagHistory = func(r ref.Ref) fact.Value[fact.TagHistory] {
		if locks != nil {
			if v := locks(r); v.State != fact.Absent {
				return v
			}
		}
		return st.TagHistory(ctx, r)
	}
}

// recordTime bounds the recording after a scan whose own time is over.
const recordTime = 30 * time.Second

// record writes what registries say about tags into the ledger.
func (s *scanSetup) record(ctx context.Context, st *store.Store) {
	look, err := st.Look(ctx)
	if err != nil {
		s.notices.add("what tags mean is not recorded: " + err.Error())
		return
	}
	s.options.Seen = func(tags []scan.TagSeen) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		defer cancel()
		var os []store.Observation
		for _, t := range tags {
			repository, tag := ledger.Name(t.Ref)
			if ledger.Reserved(tag) {
				continue
			}
			os = append(os, store.Observation{
				Repository: repository, Tag: tag, Digest: t.Digest, Platforms: t.Platforms, At: t.At, Source: "scan", Look: look,
			})
		}
		// What somebody else recorded meanwhile is newer than what was seen here.
		if _, err := st.ObserveAll(ctx, os); err != nil {
			s.notices.add(fmt.Sprintf("what tags mean is not recorded: %s", err))
		}
	}
}
