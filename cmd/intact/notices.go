package main

import (
	"slices"
	"sync"
)

// notices collects what the report says at its end about the run as a whole. It
// may be used concurrently.
type notices struct {
	mu  sync.Mutex
	all []string
}

func (n *notices) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.all, s) {
		n.all = append(n.all, s)
	}
}

func (n *notices) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(slices.Values(n.all))
}
