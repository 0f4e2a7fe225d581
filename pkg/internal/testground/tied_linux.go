package testground

import "os/exec"

// startTied starts a process that ends with this one, however this one ends.
// After its own end, untie forgets it.
func startTied(cmd *exec.Cmd) (untie func(), err error) {
	n := newNursery()
	if err := n.start(cmd); err != nil {
		n.close()
		return nil, err
	}
	return n.close, nil
}
