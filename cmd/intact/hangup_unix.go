//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// reloads is told when somebody asks for the config to be read again.
func reloads() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
