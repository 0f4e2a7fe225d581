// Command box is all that the images of the end-to-end tests hold: one static
// program that is many commands, by the name it is called under or by its first
// argument. It needs no shell, no libraries and no files, so an image FROM
// scratch can run, and be changed from within.
//
//	sleep                 until it is told to end
//	print TEXT...         print TEXT, then sleep
//	cat FILE...           print files
//	ls DIR                list names
//	cp FROM TO            copy a file with its mode and times, over what is there
//	mv FROM TO            rename
//	rm PATH...            remove, folders with what is in them
//	mkdir DIR...          make folders and their parents
//	write FILE [MODE]     write standard input to FILE
//	chmod MODE FILE...    change modes (octal)
//	ln TARGET LINK        make a symbolic link
//	touch FILE UNIX       set the time of FILE, in seconds
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name == "box" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	if err := run(name, args); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	if len(args) < atLeast(name) {
		return errors.New("too few arguments")
	}
	switch name {
	case "sleep":
		return sleep()
	case "print":
		fmt.Println(strings.Join(args, " "))
		return sleep()
	case "cat":
		return each(args, cat)
	case "ls":
		return ls(args[0])
	case "cp":
		return cp(args[0], args[1])
	case "mv":
		return os.Rename(args[0], args[1])
	case "rm":
		return each(args, os.RemoveAll)
	case "mkdir":
		return each(args, func(dir string) error { return os.MkdirAll(dir, 0o755) })
	case "write":
		mode := "0644"
		if len(args) > 1 {
			mode = args[1]
		}
		return write(args[0], mode)
	case "chmod":
		return each(args[1:], func(file string) error { return chmod(args[0], file) })
	case "ln":
		return os.Symlink(args[0], args[1])
	case "touch":
		return touch(args[0], args[1])
	}
	return errors.New("no such command in box")
}

// atLeast is how many arguments a command takes.
func atLeast(name string) int {
	switch name {
	case "cp", "mv", "ln", "touch", "chmod":
		return 2
	case "cat", "ls", "rm", "mkdir", "write":
		return 1
	}
	return 0
}

func each(args []string, f func(string) error) error {
	for _, a := range args {
		if err := f(a); err != nil {
			return err
		}
	}
	return nil
}

// sleep ends on the first signal, so that a pod's end is not waited for.
func sleep() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	<-ctx.Done()
	return nil
}

func cat(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}

func ls(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		fmt.Println(e.Name())
	}
	return err
}

func cp(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := replace(to, f, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// replace writes a new file and renames it: a program that runs cannot be
// written to.
func replace(name string, r io.Reader, mode os.FileMode) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func write(name, mode string) error {
	m, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return err
	}
	return replace(name, os.Stdin, os.FileMode(m))
}

func chmod(mode, name string) error {
	m, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return err
	}
	return syscall.Chmod(name, uint32(m)) // setuid as well
}

func touch(name, seconds string) error {
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	return os.Chtimes(name, time.Unix(s, 0), time.Unix(s, 0))
}
