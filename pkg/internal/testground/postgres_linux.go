package testground

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Postgres is a running PostgreSQL (Debian's) on loopback, with a superuser
// "intact" who needs no password. Unless its settings say so it does not wait for
// the disk: what is committed survives the end of the server, not of the machine.
type Postgres struct {
	Addr string // host:port

	bin    string // its folder of commands
	place  *place
	keep   *nursery
	server *server
	as     *syscall.Credential
	next   int
	more   []string // arguments
	clock  string   // file with the offset of its clock; "" = it has the machine's
}

// StartPostgres starts a server on a folder of its own and waits until it
// answers. It lives until Close, or until the test's process ends. settings are
// like "fsync=on".
func StartPostgres(ctx context.Context, settings ...string) (*Postgres, error) {
	return startPostgres(ctx, false, settings)
}

// StartPostgresWithClock is [StartPostgres] with a clock of its own, which
// [Postgres.Step] puts forward and back. It needs Debian's libfaketime.
func StartPostgresWithClock(ctx context.Context, settings ...string) (*Postgres, error) {
	return startPostgres(ctx, true, settings)
}

func startPostgres(ctx context.Context, clock bool, settings []string) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errors.New("find PostgreSQL (apt-get install postgresql)")
	}
	p := &Postgres{bin: filepath.Dir(found[len(found)-1])}
	for _, s := range settings {
		p.more = append(p.more, "-c", s)
	}
	if p.place, err = newPlace(); err != nil {
		return nil, err
	}
	if clock {
		p.clock = p.place.path("clock")
		if err := p.Step(0); err != nil {
			return nil, errors.Join(err, p.place.remove())
		}
	}
	p.keep = newNursery()
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), p.Close())
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context) error {
	data := p.place.path("postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if os.Geteuid() == 0 { // it refuses to run as root
		if err := p.unprivileged(data); err != nil {
			return err
		}
	}
	if _, err := output(p.command(ctx, "initdb", "-D", data, "-U", "intact", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")); err != nil {
		return err
	}
	var err error
	if p.Addr, err = FreeAddr(); err != nil {
		return err
	}
	return p.Restart(ctx)
}

// unprivileged lets another user have dir.
func (p *Postgres) unprivileged(dir string) error {
	u, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(err1, err2, os.Chown(dir, uid, gid), os.Chmod(p.place.dir, 0o711))
}

func (p *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = "/"
	if p.clock != "" && name == "postgres" {
		// What measures time by the other clock must not notice.
		cmd.Env = append(os.Environ(), "LD_PRELOAD=libfaketime.so.1", "LD_LIBRARY_PATH="+strings.Join(faketime, ":"),
			"FAKETIME_TIMESTAMP_FILE="+p.clock, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_DISABLE_SHM=1")
	}
	if p.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	}
	return cmd
}

// faketime are the folders of Debian's libfaketime.
var faketime = []string{"/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"}

// Step lets the clock of a server with one be so much ahead of the machine's from
// now on, or behind it. Other clocks of the server go on as they were.
func (p *Postgres) Step(ahead time.Duration) error {
	next := p.clock + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+d\n", int(ahead.Seconds())), 0o644); err != nil {
		return fmt.Errorf("step PostgreSQL's clock: %w", err)
	}
	if err := os.Rename(next, p.clock); err != nil {
		return fmt.Errorf("step PostgreSQL's clock: %w", err)
	}
	return nil
}

// Restart ends the server at once, if it runs, and starts it again.
func (p *Postgres) Restart(ctx context.Context) error {
	// SIGQUIT is its immediate shutdown: the children end, too.
	if err := p.server.stop(unix.SIGQUIT); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return err
	}
	p.server, err = startServer(p.keep, p.place, "postgres-server", p.command(context.WithoutCancel(ctx), "postgres",
		append([]string{"-D", p.place.path("postgres"), "-h", host, "-p", port, "-k", "", "-F", "-N", "200"}, p.more...)...))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return await(ctx, "PostgreSQL", func(ctx context.Context) error {
		_, err := p.psql(ctx, "SELECT 1")
		return err
	}, p.server)
}

func (p *Postgres) psql(ctx context.Context, statement string) (string, error) {
	return output(p.command(ctx, "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", p.url("postgres"), "-c", statement))
}

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://intact@%s/%s?sslmode=disable", p.Addr, database)
}

// Database makes an empty database and returns its URL. It is not safe for
// concurrent use.
func (p *Postgres) Database(ctx context.Context) (string, error) {
	p.next++
	name := fmt.Sprintf("test%d", p.next)
	if _, err := p.psql(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return p.url(name), nil
}

// Ask runs a statement in a database and returns what it says, without the end of
// the last line.
func (p *Postgres) Ask(ctx context.Context, url, statement string) (string, error) {
	out, err := output(p.command(ctx, "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement))
	return strings.TrimRight(out, "\n"), err
}

// Dump writes a database as pg_dump does it, for psql.
func (p *Postgres) Dump(ctx context.Context, url string) (string, error) {
	return output(p.command(ctx, "pg_dump", "-d", url))
}

// Load runs a dump in a database.
func (p *Postgres) Load(ctx context.Context, url, dump string) error {
	file := p.place.path("dump.sql")
	if err := os.WriteFile(file, []byte(dump), 0o644); err != nil {
		return err
	}
	_, err := output(p.command(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file))
	return err
}

// Close stops the server and removes its folder.
func (p *Postgres) Close() error {
	err := p.server.stop(unix.SIGQUIT)
	p.keep.close()
	return errors.Join(err, p.place.remove())
}
