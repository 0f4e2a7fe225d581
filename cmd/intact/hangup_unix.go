//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// reloads is told when somebody asks for the config to be read again. From then on
// that no longer ends the process.
func reloads() <-chan os.Signal {
	// It ends every other command: this takes it from whoever waits for that.
	signal.Ignore(syscall.SIGHUP)
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
