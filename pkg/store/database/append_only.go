package database

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// appendOnly is migration 2: leaves and hashes can be added, not changed or
// deleted. The two databases have no common words for that.
func appendOnly(postgres bool) *goose.Migration {
	statements := sqliteAppendOnly
	if postgres {
		statements = postgresAppendOnly
	}
	up := func(ctx context.Context, tx *sql.Tx) error {
		for _, s := range statements {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	return goose.NewGoMigration(2, &goose.GoFunc{RunTx: up}, nil)
}

var sqliteAppendOnly = []string{
	`CREATE TRIGGER leaves_no_update BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'leaves of the ledger are append-only'); END`,
	`CREATE TRIGGER leaves_no_delete BEFORE DELETE ON leaves BEGIN SELECT RAISE(ABORT, 'leaves of the ledger are append-only'); END`,
	`CREATE TRIGGER hashes_no_update BEFORE UPDATE ON hashes BEGIN SELECT RAISE(ABORT, 'hashes of the ledger are append-only'); END`,
	`CREATE TRIGGER hashes_no_delete BEFORE DELETE ON hashes BEGIN SELECT RAISE(ABORT, 'hashes of the ledger are append-only'); END`,
}

var postgresAppendOnly = []string{
	`CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE EXCEPTION '% of the ledger are append-only', TG_TABLE_NAME; END $$`,
	`CREATE TRIGGER leaves_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON leaves
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()`,
	`CREATE TRIGGER hashes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hashes
	FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()`,
}
