-- The inbox as a file of its own, beside the store on SQLite.

-- +goose Up
CREATE TABLE deliveries (
  id       integer PRIMARY KEY AUTOINCREMENT, -- in the order of commits; never used again
  endpoint text    NOT NULL,
  key      text    NOT NULL,
  received integer NOT NULL, -- microseconds since 1970, UTC
  events   text    NOT NULL,
  refused  text    NOT NULL DEFAULT '',
  UNIQUE (endpoint, key)
);
CREATE INDEX deliveries_received ON deliveries (received);
CREATE INDEX deliveries_refused ON deliveries (id) WHERE refused <> '';

CREATE TABLE identity (inbox text NOT NULL); -- one row: which file this is
INSERT INTO identity VALUES (lower(hex(randomblob(16))));

-- +goose Down
DROP TABLE identity;
DROP TABLE deliveries;
