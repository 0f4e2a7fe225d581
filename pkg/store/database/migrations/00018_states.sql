-- What a part of the service remembers between two of its runs.

-- +goose Up
CREATE TABLE states (
  name    text PRIMARY KEY,
  data    bytea NOT NULL,
  changed bigint NOT NULL -- microseconds
);

-- +goose Down
DROP TABLE states;
