package main

import "os"

// reloads is nil: Windows has no signal for it.
func reloads() <-chan os.Signal { return nil }
