package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/urfave/cli/v2"
)

func storeCommand(p program) *cli.Command {
	where := []cli.Flag{
		ledgerFlag(),
		str("config", "`FILE` that names the ledger (default: config.yaml in the user's config folder, if there)", ""),
	}
	with := func(more ...cli.Flag) []cli.Flag { return append(append([]cli.Flag{}, where...), more...) }
	return &cli.Command{
		Name: "store", Usage: "make, back up, verify and prune the store of the ledger",
		Subcommands: []*cli.Command{
			{
				Name: "init", Usage: "make a new store", ArgsUsage: " ", Flags: with(),
				Description: "Nothing else makes one, so that a store that was lost is noticed. One that is there\nis left as it is.\n\nExample:\n  intact store init --ledger ~/intact.db",
				Action:      func(c *cli.Context) error { return storeInit(p, c) },
			},
			{
				Name: "backup", Usage: "write the store to a new file, and verify it", ArgsUsage: "FILE", Flags: with(),
				Description: "Of an SQLite store, while others use it. For PostgreSQL use pg_dump.\n\nExample:\n  intact store backup intact-2026-11-26.db",
				Action:      func(c *cli.Context) error { return storeBackup(p, c) },
			},
			{
				Name: "restore", Usage: "make the store from a backup, once it is verified", ArgsUsage: "FILE", Flags: with(),
				Description: "It replaces nothing: move a damaged store away first. What was recorded after the\nbackup is lost, and intact history --verify --checkpoint says so.\n\nExample:\n  intact store restore intact-2026-11-26.db",
				Action:      func(c *cli.Context) error { return storeRestore(p, c) },
			},
			{
				Name: "verify", Usage: "check the whole store, and exit 1 if it does not hold", ArgsUsage: " ", Flags: with(),
				Description: "The database file and the ledger in it. To compare with a kept checkpoint use\nintact history --verify.\n\nExample:\n  intact store verify",
				Action:      func(c *cli.Context) error { return storeVerify(p, c) },
			},
			{
				Name: "prune", Usage: "drop what is old; the ledger stays", ArgsUsage: " ",
				Flags: with(
					dur("reports", "drop the whole reports of verdicts older than `TIME`, such as 2160h", ""),
					dur("verdicts", "drop verdicts older than `TIME`", ""),
					dur("happenings", "drop events older than `TIME`", ""),
				),
				Description: "Without a time nothing of that kind is dropped. What tags meant is never dropped,\nnor the last verdict of a tag. The service does the same if its config has keep.\n\nExample:\n  intact store prune --reports 2160h --happenings 720h",
				Action:      func(c *cli.Context) error { return storePrune(p, c) },
			},
			{
				Name: "key", Usage: "make a key that signs checkpoints", ArgsUsage: "FILE",
				Flags:       []cli.Flag{str("name", "`NAME` of the key, as signatures show it", "intact")},
				Description: "It writes the private key to FILE and the public one to FILE.pub.\n\nExample:\n  intact store key --name acme.internal/intact ledger.key",
				Action:      func(c *cli.Context) error { return storeKey(p, c) },
			},
		},
	}
}

func storeInit(p program, c *cli.Context) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	where, err := whereLedger(c, cfg)
	if err != nil {
		return err
	}
	s, err := store.Open(c.Context, where, store.Options{Create: true})
	if err != nil {
		return usage(err, ledgerHint(err))
	}
	defer func() { _ = s.Close() }()
	head, err := s.Head(c.Context)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s, %s\n", escape(s.String()), head.Origin, many(int(head.N), "change"))
	return err
}

// storeFile is the argument of a command that takes one.
func storeFile(c *cli.Context) (string, error) {
	if c.NArg() != 1 || c.Args().First() == "" {
		return "", usage(fmt.Errorf("%d files", c.NArg()), fmt.Sprintf("intact store %s FILE", c.Command.Name))
	}
	return c.Args().First(), nil
}

func storeBackup(p program, c *cli.Context) error {
	file, err := storeFile(c)
	if err != nil {
		return err
	}
	s, err := openLedger(c)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Backup(c.Context, file); err != nil {
		return backupError(err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s: written and verified\n", escape(file))
	return err
}

func storeRestore(p program, c *cli.Context) error {
	file, err := storeFile(c)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	where, err := whereLedger(c, cfg)
	if err != nil {
		return err
	}
	if err := store.Restore(c.Context, file, where); err != nil {
		return backupError(err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s: restored and verified\n", escape(where))
	return err
}

func backupError(err error) error {
	switch {
	case errors.Is(err, os.ErrExist):
		return usage(err, "nothing is replaced: name a file that is not there, or move that one away")
	case errors.Is(err, store.ErrDamaged):
		return &exitError{code: exitDenied, cause: err, hint: "intact store verify says more"}
	}
	return usage(err, "")
}

func storeVerify(p program, c *cli.Context) error {
	s, err := openLedger(c)
	if err != nil {
		if errors.Is(err, store.ErrDamaged) {
			return &exitError{code: exitDenied, cause: errors.Unwrap(err), hint: ledgerHint(err)}
		}
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Check(c.Context); err != nil {
		return &exitError{code: exitDenied, cause: err, hint: ledgerHint(err)}
	}
	out := &historyOutput{w: p.stdout}
	return out.verification(c.Context, s, nil, nil, "")
}

func storePrune(p program, c *cli.Context) error {
	r := store.Retention{Reports: c.Duration("reports"), Verdicts: c.Duration("verdicts"), Happenings: c.Duration("happenings")}
	s, err := openLedger(c)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	n, err := s.Prune(c.Context, r, time.Now())
	if err != nil {
		return usage(err, "")
	}
	_, err = fmt.Fprintf(p.stdout, "dropped: %d reports, %d verdicts, %d events, %d listings\n", n.Reports, n.Verdicts, n.Happenings, n.Listings)
	return err
}

func storeKey(p program, c *cli.Context) error {
	file, err := storeFile(c)
	if err != nil {
		return err
	}
	private, public, err := ledger.NewKey(rand.Reader, c.String("name"))
	if err != nil {
		return usage(err, "")
	}
	for _, part := range []struct {
		name, text string
		mode       os.FileMode
	}{{file, private, 0o600}, {file + ".pub", public, 0o644}} {
		// A key that signs somewhere is not replaced.
		f, err := os.OpenFile(part.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, part.mode)
		if err == nil {
			_, err = f.WriteString(part.text)
			err = errors.Join(err, f.Sync(), f.Close())
		}
		if err != nil {
			return usage(fmt.Errorf("write the key: %w", err), "nothing is replaced: name a file that is not there")
		}
	}
	_, err = fmt.Fprintf(p.stdout, "%s signs, %s.pub verifies: %s", escape(file), escape(file), public)
	return err
}
