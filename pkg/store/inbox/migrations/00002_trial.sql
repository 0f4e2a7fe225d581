-- What is written to see whether anything can be.

-- +goose Up
CREATE TABLE trial (id integer PRIMARY KEY CHECK (id = 1), bytes blob NOT NULL);

-- +goose Down
DROP TABLE trial;
