package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/urfave/cli/v2"
)

func historyCommand(p program) *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "show what a tag meant over time, by the ledger",
		UsageText: "intact history [flags] IMAGE:TAG\nintact history --verify [flags] [IMAGE:TAG]",
		Description: `It reads the ledger that the config names, or --ledger, and asks no registry.
Every change of the tag that was seen is a line, newest first, with since when,
until when and by whom it was seen.

With --verify it reads the whole ledger: every entry, every hash of its tree, and
that each change of a tag begins where the one before ended. It prints a
checkpoint: keep it elsewhere, and --checkpoint shows later that nothing that it
covers was rewritten or removed. With --checkpoint-key it is signed; without it
is called unsigned.

Examples:
  intact history ghcr.io/acme/api:1.4.2
  intact history --format json ghcr.io/acme/api:main
  intact history --server https://intact.acme.example ghcr.io/acme/api:1.4.2
  intact history --verify --checkpoint-key ledger.key --write-checkpoint today.txt
  intact history --verify --checkpoint yesterday.txt

Exit status: 0 shown, or it holds; 1 the ledger does not hold; 2 usage or
configuration, or there is no ledger.`,
		Flags: []cli.Flag{
			ledgerFlag(),
			serverFlag(),
			str("config", "`FILE` that names the ledger (default: config.yaml in the user's config folder, if there)", ""),
			str("format", "`FORMAT`: text or json", "text"),
			boolean("verify", "verify the whole ledger, and exit 1 if it does not hold"),
			str("checkpoint", "checkpoint `FILE` that was kept: the ledger must begin with all that it covers", ""),
			str("write-checkpoint", "write the checkpoint of now to `FILE`", ""),
			str("checkpoint-key", "key `FILE` of intact store key: a private one signs the checkpoint, either verifies the kept one", ""),
		},
		Action: func(c *cli.Context) error { return runHistory(c.Context, p, c) },
	}
}

func runHistory(ctx context.Context, p program, c *cli.Context) error {
	verify := c.Bool("verify")
	if !verify {
		for _, name := range []string{"checkpoint", "write-checkpoint", "checkpoint-key"} {
			if c.IsSet(name) && name != "checkpoint-key" {
				return usage(fmt.Errorf("--%s without --verify", name), "a checkpoint is of the whole ledger: add --verify")
			}
		}
	}
	format := c.String("format")
	switch {
	case format != "text" && format != "json":
		return usage(fmt.Errorf("unknown format %q", format), "there is: text, json")
	case c.NArg() > 1:
		return usage(fmt.Errorf("%d images", c.NArg()), "name one: intact history IMAGE:TAG")
	case c.NArg() == 0 && !verify:
		return usage(errors.New("no image given"), "intact history IMAGE:TAG, or intact history --verify for the whole ledger")
	}
	var r ref.Ref
	var err error
	if c.NArg() == 1 {
		if r, err = ref.Parse(c.Args().First()); err == nil && r.Digest != "" {
			err = fmt.Errorf("%q is a digest, which never changes", r)
		}
		if err != nil {
			return usage(err, "name a tag: intact history ghcr.io/acme/api:1.4.2")
		}
	}
	// What is wrong about files is said before anything is read.
	key, kept, err := checkpointFiles(c)
	if err != nil {
		return err
	}
	out := &historyOutput{json: format == "json", w: p.stdout}
	if server := c.String("server"); server != "" {
		if verify || c.String("ledger") != "" {
			return usage(errors.New("--server with --verify or --ledger"), "a ledger is verified where it is; of a server ask for the history of a tag")
		}
		record, err := askServer(p, server)
		if err != nil {
			return err
		}
		if err := out.history(ctx, record, r); err != nil {
			return usage(err, "is it the address of intact serve, and the token of a reader?")
		}
		return out.end()
	}
	st, err := openLedger(c)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	if r.Name != "" {
		if err := out.history(ctx, st, r); err != nil {
			return err
		}
	}
	if verify {
		return out.verification(ctx, st, key, kept, c.String("write-checkpoint"))
	}
	return out.end()
}

// readCheckpointKey reads --checkpoint-key; nil if it is not given.
func readCheckpointKey(c *cli.Context) (key *ledger.Key, err error) {
	name := c.String("checkpoint-key")
	if name == "" {
		return nil, nil
	}
	b, err := readLimited(name)
	if err == nil {
		key, err = ledger.ParseKey(string(b))
	}
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err), "a key is what intact store key makes")
	}
	return key, nil
}

// checkpointFiles reads the key and the kept checkpoint.
func checkpointFiles(c *cli.Context) (key *ledger.Key, kept *keptCheckpoint, err error) {
	if c.Bool("verify") {
		if key, err = readCheckpointKey(c); err != nil {
			return nil, nil, err
		}
	}
	name := c.String("checkpoint")
	if name == "" {
		return key, nil, nil
	}
	b, err := readLimited(name)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("%s: %w", name, err), "")
	}
	k := &keptCheckpoint{name: name}
	k.Checkpoint, k.signed, err = ledger.ParseCheckpoint(b, key)
	switch {
	case errors.Is(err, ledger.ErrUnsigned):
		return nil, nil, &exitError{code: exitDenied, cause: fmt.Errorf("%s: %w", name, err), hint: "it was changed, or is signed by another key: take the one that you kept"}
	case err != nil:
		return nil, nil, usage(fmt.Errorf("%s: %w", name, err), "a checkpoint is what --write-checkpoint writes")
	}
	return key, k, nil
}

// A keptCheckpoint is one that the user kept elsewhere.
type keptCheckpoint struct {
	ledger.Checkpoint
	name   string
	signed bool
}

// A historyOutput writes text at once, or one JSON document at the end.
type historyOutput struct {
	json bool
	w    io.Writer
	doc  historyDocument
}

type historyDocument struct {
	Schema      string            `json:"schema"`
	Ledger      string            `json:"ledger"`
	Image       string            `json:"image,omitempty"`
	Digest      ref.Digest        `json:"digest,omitempty"` // now; none = gone, or never seen
	LastSeen    time.Time         `json:"lastSeen,omitzero"`
	Transitions []transition      `json:"transitions,omitempty"`
	Verified    *verifiedDocument `json:"verified,omitempty"`
}

type transition struct {
	Seq       int64                 `json:"seq"`
	From      ref.Digest            `json:"from"`
	To        ref.Digest            `json:"to"`
	At        time.Time             `json:"at"`
	Source    string                `json:"source"`
	Platforms map[string]ref.Digest `json:"platforms,omitempty"`
}

// A record says what a tag meant: a store, or a server that has one.
type record interface {
	Now(ctx context.Context, r ref.Ref) (store.Now, bool, error)
	History(ctx context.Context, r ref.Ref, before int64, limit int) ([]store.Entry, error)
	String() string
}

// history shows the transitions of a tag.
func (o *historyOutput) history(ctx context.Context, st record, r ref.Ref) error {
	now, seen, err := st.Now(ctx, r)
	if err != nil {
		return err
	}
	entries, err := st.History(ctx, r, store.Newest, 0)
	if err != nil {
		return err
	}
	repository, tag := ledger.Name(r)
	o.doc.Image, o.doc.Ledger, o.doc.Digest, o.doc.LastSeen = repository+":"+tag, st.String(), now.Digest, now.LastSeen
	for _, e := range entries {
		o.doc.Transitions = append(o.doc.Transitions, transition{e.Seq, e.From, e.To, e.At, e.Source, e.Platforms})
	}
	if o.json {
		return nil
	}
	if !seen {
		_, err := fmt.Fprintf(o.w, "%s was never seen, by %s\n", o.doc.Image, escape(st.String()))
		return err
	}
	fmt.Fprintf(o.w, "%s, by %s\n\n", o.doc.Image, escape(st.String()))
	tw := tabwriter.NewWriter(o.w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "SINCE\tUNTIL\tDIGEST\tSOURCE\n")
	for i, e := range entries {
		until := "last seen " + shortTime(now.LastSeen)
		switch {
		case i > 0:
			until = shortTime(entries[i-1].At)
		case now.LastSeen.IsZero(): // a server does not say
			until = "by the last record"
		}
		digest := string(e.To)
		if digest == "" {
			digest = "gone"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", shortTime(e.At), until, digest, escape(e.Source))
	}
	return tw.Flush()
}

func shortTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// end writes the document, if there is one to write.
func (o *historyOutput) end() error {
	if !o.json {
		return nil
	}
	o.doc.Schema = "intact.history/v1"
	b, err := json.MarshalIndent(o.doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.w, "%s\n", b)
	return err
}

// writeNew writes a file that appears whole or not at all.
func writeNew(name string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
