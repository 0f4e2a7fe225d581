package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"time"

	"github.com/docker/docker-credential-helpers/client"
)

// helperTime bounds a credential helper, which may wait for a person or a network.
const helperTime = 30 * time.Second

// helperBytes bounds what is read of one.
const helperBytes = 64 << 10

// helperProgram runs a credential helper for as long as ctx and helperTime allow.
func helperProgram(ctx context.Context, name string) client.ProgramFunc {
	return func(args ...string) client.Program { return &helper{ctx: ctx, name: name, args: args} }
}

type helper struct {
	ctx   context.Context
	name  string
	args  []string
	input io.Reader
}

// Input sets what the helper reads.
func (h *helper) Input(r io.Reader) { h.input = r }

// Output runs the helper and returns what it printed.
func (h *helper) Output() ([]byte, error) {
	ctx, cancel := context.WithTimeout(h.ctx, helperTime)
	defer cancel()
	out := &capped{left: helperBytes}
	cmd := exec.CommandContext(ctx, h.name, h.args...)
	cmd.Stdin, cmd.Stdout = h.input, out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	return out.buffer.Bytes(), err
}

// capped fails when more is written to it than is left. The buffer is no embedded
// one: its ReadFrom would go past Write.
type capped struct {
	buffer bytes.Buffer
	left   int
}

// Write keeps p if it fits.
func (c *capped) Write(p []byte) (int, error) {
	if len(p) > c.left {
		return 0, errors.New("the helper prints too much")
	}
	c.left -= len(p)
	return c.buffer.Write(p)
}
