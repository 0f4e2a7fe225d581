-- Which run of a task is more than waiting for its turn.

-- +goose Up
ALTER TABLE tasks ADD COLUMN begun bigint NOT NULL DEFAULT 0; -- job of River; 0 is none

-- +goose Down
ALTER TABLE tasks DROP COLUMN begun;
