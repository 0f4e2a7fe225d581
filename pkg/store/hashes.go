package store

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// hashes reads the stored hashes of the tree. It implements tlog.HashReader.
type hashes struct {
	ctx context.Context
	q   querier
}

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	where := make(map[int64][]int, len(indexes)) // a proof may ask for one twice
	args := make([]any, len(indexes))
	for i, index := range indexes {
		where[index] = append(where[index], i)
		args[i] = index
	}
	rows, err := h.q.QueryContext(h.ctx, `SELECT idx, hash FROM hashes WHERE idx IN `+tuple(1, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read hashes of the log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := make([]tlog.Hash, len(indexes))
	for rows.Next() {
		var index int64
		var b []byte
		if err := rows.Scan(&index, &b); err != nil {
			return nil, fmt.Errorf("read hashes of the log: %w", err)
		}
		if len(b) != tlog.HashSize {
			return nil, fmt.Errorf("%w: hash %d of the log has %d bytes", ErrDamaged, index, len(b))
		}
		for _, i := range where[index] {
			out[i] = tlog.Hash(b)
		}
		delete(where, index)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read hashes of the log: %w", err)
	}
	for index := range where {
		return nil, fmt.Errorf("%w: hash %d of the log is missing", ErrDamaged, index)
	}
	return out, nil
}

// tuple is ($first, $first+1, …) of n placeholders.
func tuple(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",$")
		fmt.Fprintf(&b, "%d", first+i)
	}
	return "(" + b.String()[1:] + ")"
}

// rowsAtOnce keeps one statement below the 32,766 placeholders of SQLite.
const rowsAtOnce = 500

// values is the VALUES list of n rows of width columns.
func values(n, width int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = tuple(1+i*width, width)
	}
	return "VALUES " + strings.Join(rows, ",")
}
