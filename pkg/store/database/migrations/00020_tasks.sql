-- What is wanted and what is done (package jobs), and the replicas that work.

-- +goose Up
CREATE TABLE tasks (
  kind     text   NOT NULL,
  key      text   NOT NULL,
  payload  text   NOT NULL, -- JSON of the latest wish; '' is none
  wanted   bigint NOT NULL, -- generation of the latest wish
  done     bigint NOT NULL, -- generation that the latest finished run answered
  due      bigint NOT NULL, -- when the run that answers the wish may begin
  next     bigint NOT NULL DEFAULT 0, -- the same for wishes made while it runs; 0 is none
  attempts bigint NOT NULL DEFAULT 0, -- of processes that died while it ran
  failed   bigint NOT NULL DEFAULT 0, -- when it was given up; 0 is not
  error    text   NOT NULL DEFAULT '', -- of the last attempt
  changed  bigint NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE INDEX tasks_open ON tasks (kind, due) WHERE wanted > done;

CREATE TABLE replicas (
  id   text   PRIMARY KEY,
  beat bigint NOT NULL -- goes up while the replica lives
);

CREATE TABLE periodic (
  kind text   PRIMARY KEY,
  last bigint NOT NULL -- when it was last wanted
);

-- +goose Down
DROP TABLE periodic;
DROP TABLE replicas;
DROP TABLE tasks;
