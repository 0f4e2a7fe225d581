package main

import (
	"os"

	"github.com/intact-dev/intact/pkg/report"
	"golang.org/x/term"
)

func terminalFile(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// escape makes text from outside safe for a terminal.
func escape(s string) string { return report.Escape(s) }
