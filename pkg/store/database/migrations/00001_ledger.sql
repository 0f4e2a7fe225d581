-- Tables for SQLite and PostgreSQL alike. Times are microseconds since 1970, UTC.

-- +goose Up
CREATE TABLE leaves (
  seq  bigint PRIMARY KEY, -- from 0, without gaps
  data bytea NOT NULL      -- a transition, as the log hashes it
);

-- +goose Down
DROP TABLE leaves;
