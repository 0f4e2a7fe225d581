package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/store"
)

type verifiedDocument struct {
	Holds      bool     `json:"holds"`
	Leaves     int64    `json:"leaves"`
	Tags       int      `json:"tags"`
	Faults     []string `json:"faults,omitempty"`
	MoreFaults int      `json:"moreFaults,omitempty"`
	// Compared is the kept checkpoint's file and size.
	Compared       string `json:"compared,omitempty"`
	ComparedLeaves int64  `json:"comparedLeaves,omitempty"`
	// Checkpoint is there only if the ledger holds.
	Checkpoint string `json:"checkpoint,omitempty"`
	Signed     string `json:"signed,omitempty"` // the name of the key; none = unsigned
}

// verification verifies the whole ledger and says what it found.
func (o *historyOutput) verification(ctx context.Context, st *store.Store, key *ledger.Key, kept *keptCheckpoint, to string) error {
	var compare *ledger.Checkpoint
	d := &verifiedDocument{}
	if kept != nil {
		compare, d.Compared, d.ComparedLeaves = &kept.Checkpoint, kept.name, kept.N
	}
	v, err := st.Verify(ctx, compare)
	if err != nil {
		return &exitError{code: exitDenied, cause: err, hint: ledgerHint(err)}
	}
	d.Holds, d.Leaves, d.Tags, d.MoreFaults = v.OK(), v.Checkpoint.N, v.Tags, v.More
	for _, f := range v.Faults {
		d.Faults = append(d.Faults, f.String())
	}
	if d.Holds {
		if key != nil && !key.Private() {
			key = nil // it verifies the kept one, and signs nothing
		}
		text, err := v.Checkpoint.Sign(key)
		if err != nil {
			return err
		}
		if d.Checkpoint = string(text); key != nil {
			d.Signed = key.Name()
		}
		if to != "" {
			if err := writeNew(to, text, 0o644); err != nil {
				return usage(fmt.Errorf("write the checkpoint: %w", err), "")
			}
		}
	}
	o.doc.Ledger, o.doc.Verified = st.String(), d
	if err := o.verified(st, d, kept); err != nil {
		return err
	}
	if err := o.end(); err != nil {
		return err
	}
	if !d.Holds {
		return &exitError{code: exitDenied}
	}
	return nil
}

// verified writes the text.
func (o *historyOutput) verified(st *store.Store, d *verifiedDocument, kept *keptCheckpoint) error {
	if o.json {
		return nil
	}
	var b strings.Builder
	if o.doc.Image != "" {
		b.WriteString("\n")
	}
	name := escape(st.String())
	if !d.Holds {
		fmt.Fprintf(&b, "%s does not hold: %s\n", name, many(len(d.Faults)+d.MoreFaults, "fault"))
		for _, f := range d.Faults {
			fmt.Fprintf(&b, "  %s\n", escape(f))
		}
		if d.MoreFaults > 0 {
			fmt.Fprintf(&b, "  and %d more\n", d.MoreFaults)
		}
		_, err := fmt.Fprint(o.w, b.String())
		return err
	}
	fmt.Fprintf(&b, "%s holds: %s of %s\n", name, many(int(d.Leaves), "change"), many(d.Tags, "tag"))
	switch {
	case kept == nil:
		b.WriteString("compared with no checkpoint: that nothing was rewritten as a whole only a kept one shows (--checkpoint)\n")
	case kept.signed:
		fmt.Fprintf(&b, "it begins with all %d changes of %s\n", kept.N, escape(kept.name))
	default:
		fmt.Fprintf(&b, "it begins with all %d changes of %s, which is unsigned\n", kept.N, escape(kept.name))
	}
	if d.Signed == "" {
		b.WriteString("\nunsigned checkpoint:\n")
	} else {
		fmt.Fprintf(&b, "\ncheckpoint, signed by %s:\n", escape(d.Signed))
	}
	for line := range strings.Lines(d.Checkpoint) {
		b.WriteString("  " + line)
	}
	_, err := fmt.Fprint(o.w, b.String())
	return err
}
