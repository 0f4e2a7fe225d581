-- Tables for SQLite and PostgreSQL alike. Times are microseconds since 1970, UTC;
-- digests are text, "" = none. What is append-only is made so by 00002.

-- +goose Up
CREATE TABLE log (
  id     integer PRIMARY KEY CHECK (id = 1),
  origin text   NOT NULL, -- which log: a random number
  size   bigint NOT NULL, -- leaves
  root   bytea  NOT NULL  -- the hash of the tree of that size
);

CREATE TABLE leaves (
  seq        bigint PRIMARY KEY, -- from 0, without gaps
  repository text   NOT NULL,    -- as data says, to find it by
  tag        text   NOT NULL,
  data       bytea  NOT NULL     -- a transition, as the log hashes it
);
CREATE INDEX leaves_tag ON leaves (repository, tag, seq);

CREATE TABLE hashes (
  idx  bigint PRIMARY KEY, -- tlog.StoredHashIndex
  hash bytea  NOT NULL
);

-- What the last leaf of each tag says, and when that was last confirmed.
CREATE TABLE tags (
  repository text   NOT NULL,
  tag        text   NOT NULL,
  digest     text   NOT NULL,
  seq        bigint NOT NULL,
  last_seen  bigint NOT NULL,
  platforms  text   NOT NULL, -- of digest, JSON, "" = not read
  PRIMARY KEY (repository, tag)
);

-- +goose Down
DROP TABLE tags;
DROP TABLE hashes;
DROP TABLE leaves;
DROP TABLE log;
