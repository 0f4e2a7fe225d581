-- The inbox (package inbox): on PostgreSQL it is the first table; on SQLite it is a
-- file of its own, and the second table says how far it was read.

-- +goose Up
CREATE TABLE deliveries (
  endpoint text   NOT NULL,
  key      text   NOT NULL, -- of the sender, unique per endpoint
  received bigint NOT NULL,
  events   text   NOT NULL, -- JSON
  moved    bigint NOT NULL DEFAULT 0, -- when it was handed to the tasks; 0 is not yet
  refused  text   NOT NULL DEFAULT '', -- why it could not be
  PRIMARY KEY (endpoint, key)
);
CREATE INDEX deliveries_waiting ON deliveries (received) WHERE moved = 0;
CREATE INDEX deliveries_moved ON deliveries (received) WHERE moved > 0;

CREATE TABLE inbox_cursor (
  inbox text   PRIMARY KEY, -- identity of the file
  moved bigint NOT NULL     -- highest ID that was handed to the tasks
);

-- +goose Down
DROP TABLE inbox_cursor;
DROP TABLE deliveries;
