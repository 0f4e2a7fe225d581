package docker

import "github.com/intact-dev/intact/pkg/internal/dockerengine"

// An Engine says which engine is meant. The zero value is the one that Docker's
// own command would ask.
type Engine = dockerengine.Options
