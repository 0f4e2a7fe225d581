package testground

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A nursery starts processes from one thread that serves nothing else. The
// kernel kills them when that thread ends, so they survive neither close nor
// the death of the test, however it dies.
type nursery struct {
	work chan func()
	quit chan struct{}
	// inside: the thread is in the namespaces of a node. Its children die with
	// the node's first process instead.
	inside bool
}

func newNursery() *nursery {
	n := &nursery{work: make(chan func()), quit: make(chan struct{})}
	alive := make(chan struct{})
	go n.live(alive)
	<-alive
	return n
}

// enterNursery starts processes, and opens sockets, in the mount, process and
// network namespaces of pid.
func enterNursery(pid int) (*nursery, error) {
	n := newNursery()
	n.inside = true
	if err := n.do(func() error { return enter(pid) }); err != nil {
		n.close()
		return nil, fmt.Errorf("enter the namespaces of process %d: %w", pid, err)
	}
	return n, nil
}

// live keeps its thread to itself: as it is never unlocked, the thread ends
// with the function. The first thread would not end, and is what /proc/self
// shows, so it is left to others.
func (n *nursery) live(alive chan<- struct{}) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		other := make(chan struct{})
		go n.live(other)
		<-other
		runtime.UnlockOSThread()
		close(alive)
		return
	}
	close(alive)
	for {
		select {
		case f := <-n.work:
			f()
		case <-n.quit:
			return
		}
	}
}

func enter(pid int) error {
	// The thread's root and working folder become its own: the kernel wants it
	// so for a change of the mount namespace.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	spaces := []struct {
		name string
		flag int
	}{{"net", unix.CLONE_NEWNET}, {"pid", unix.CLONE_NEWPID}, {"mnt", unix.CLONE_NEWNS}}
	for _, s := range spaces {
		f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/" + s.name)
		if err != nil {
			return err
		}
		err = unix.Setns(int(f.Fd()), s.flag)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// do runs f on the thread and returns its error, or that the thread has ended.
func (n *nursery) do(f func() error) error {
	done := make(chan error, 1)
	select {
	case n.work <- func() { done <- f() }:
		return <-done
	case <-n.quit:
		return errors.New("the ground is closed")
	}
}

func (n *nursery) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if !n.inside { // the parent's PID is not seen from within
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	return n.do(cmd.Start)
}

// close ends the thread.
func (n *nursery) close() { close(n.quit) }
