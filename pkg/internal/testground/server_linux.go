package testground

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// startTimeout bounds the start of a ground: a busy machine is slow, but what
// has not come up by then never will.
const startTimeout = 5 * time.Minute

// A server is a process of a ground, with its output in a file.
type server struct {
	name, log string
	cmd       *exec.Cmd
	done      chan struct{} // closed once it ended
	err       error         // how it ended; valid after done
}

// startServer starts a command in the nursery; its output goes to NAME.log in
// the place.
func startServer(n *nursery, p *place, name string, cmd *exec.Cmd) (*server, error) {
	log, err := os.OpenFile(p.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Stderr = log
	s := &server{name: name, log: log.Name(), cmd: cmd, done: make(chan struct{})}
	if err := n.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		s.err = cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// stop sends sig and waits for the end; nil if s was never started.
func (s *server) stop(sig syscall.Signal) error {
	if s == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	<-s.done
	return nil
}

// ended says how s ended; nil while it runs.
func (s *server) ended() error {
	select {
	case <-s.done:
		return fmt.Errorf("%s ended: %v", s.name, s.err)
	default:
		return nil
	}
}

// await asks until the answer is nil, a server that must live ends, or the
// context does. The error has the last answer and the ends of the logs.
func await(ctx context.Context, what string, ask func(context.Context) error, servers ...*server) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // the end of the wait is no answer
			last = err
		}
		for _, s := range servers {
			if ended := s.ended(); ended != nil {
				return fmt.Errorf("wait for %s: %w\n%s", what, ended, logs(s))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; last: %w\n%s", what, context.Cause(ctx), last, logs(servers...))
		case <-tick.C:
		}
	}
}

// logs are the ends of the servers' logs, as part of an error.
func logs(servers ...*server) string {
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "--- end of the log of %s\n%s\n", s.name, fileTail(s.log, 2000))
	}
	return b.String()
}

func fileTail(name string, n int64) string {
	f, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > n {
		if _, err := f.Seek(-n, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, n))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b))
}
