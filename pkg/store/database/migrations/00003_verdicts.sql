-- +goose Up

-- The last number given out. Taking one locks its row until the transaction ends,
-- so numbers appear in order: who pages by them misses none.
CREATE TABLE counters (
  name  text   PRIMARY KEY,
  value bigint NOT NULL
);
INSERT INTO counters (name, value) VALUES ('verdicts', 0), ('happenings', 0);

CREATE TABLE verdicts (
  id         bigint PRIMARY KEY,
  key        text UNIQUE,      -- of the task that judged; null = none
  repository text   NOT NULL,
  tag        text   NOT NULL,
  digest     text   NOT NULL,
  decision   text   NOT NULL,
  policy     text   NOT NULL,  -- its digest
  at         bigint NOT NULL,
  source     text   NOT NULL,
  summary    text   NOT NULL,  -- JSON, "" = none
  report     bytea             -- JSON, gzip; null = dropped, or none
);
CREATE INDEX verdicts_tag ON verdicts (repository, tag, id);
CREATE INDEX verdicts_digest ON verdicts (digest, id);
CREATE INDEX verdicts_at ON verdicts (at);

CREATE TABLE happenings (
  id      bigint PRIMARY KEY,
  key     text UNIQUE,
  type    text   NOT NULL,
  subject text   NOT NULL,
  at      bigint NOT NULL,
  data    text   NOT NULL      -- JSON, "" = none
);
CREATE INDEX happenings_subject ON happenings (subject, id);
CREATE INDEX happenings_at ON happenings (at);

-- Lists of what hangs from a digest, until they expire or are dropped.
CREATE TABLE listings (
  repository text   NOT NULL,
  digest     text   NOT NULL,
  credential text   NOT NULL,
  data       bytea  NOT NULL,
  expires    bigint NOT NULL,
  PRIMARY KEY (repository, digest, credential)
);
CREATE INDEX listings_expires ON listings (expires);

-- When lists were dropped: what was fetched before must not come back.
CREATE TABLE drops (
  repository text   NOT NULL,
  digest     text   NOT NULL,
  at         bigint NOT NULL,
  PRIMARY KEY (repository, digest)
);

-- +goose Down
DROP TABLE drops;
DROP TABLE listings;
DROP TABLE happenings;
DROP TABLE verdicts;
DROP TABLE counters;
