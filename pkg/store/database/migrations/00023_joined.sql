-- Whether the latest wish for a task is answered by the job that was there.

-- +goose Up
ALTER TABLE tasks ADD COLUMN joined bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tasks DROP COLUMN joined;
