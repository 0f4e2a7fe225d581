-- When a wish for a task was last left to the job that was there, without a look
-- at it; below zero if that was not the latest wish; 0 is never.

-- +goose Up
ALTER TABLE tasks ADD COLUMN joined bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tasks DROP COLUMN joined;
