package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
)

// Try reports why the inbox takes nothing. While the last delivery was kept it
// asks nobody. Else it writes something of the size of a big delivery: a sender
// that is sent away until the inbox is ready could never show that it is.
func (b *Inbox) Try(ctx context.Context) error {
	if !b.failed.Load() {
		return nil
	}
	if err := b.b.try(ctx); err != nil {
		return fmt.Errorf("write to the inbox of store %s: %w", b.name, err)
	}
	b.failed.Store(false)
	return nil
}

// trialSize in bytes is more than SQLite has room for on a full disk in pages and
// frames that it uses again, most of the time.
const trialSize = 64 << 10

func (f *file) try(ctx context.Context) error {
	_, err := f.write.ExecContext(ctx, "INSERT INTO trial (id, bytes) VALUES (1, randomblob($1)) ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes", trialSize)
	return err
}

// try writes a delivery of no endpoint that is handed on already.
func (t *table) try(ctx context.Context) error {
	_, err := t.db.Write.ExecContext(ctx, `INSERT INTO deliveries (endpoint, key, received, events, moved)
		SELECT '', 'trial', $1, string_agg(md5(random()::text), ''), $1 FROM generate_series(1, $2)
		ON CONFLICT (endpoint, key) DO UPDATE SET received = excluded.received, events = excluded.events`, database.Micros(time.Now()), trialSize/32)
	if err != nil {
		return err
	}
	_, err = t.db.Write.ExecContext(ctx, "DELETE FROM deliveries WHERE endpoint = ''")
	return err
}
