package docker

// On makes o see the machine that it runs on as a process elsewhere would.
func (o *Observer) On(proc, mounts string) {
	o.machine = machine{proc: proc, mounts: mounts, root: o.machine.root}
}

// AsRoot makes o try what only root can.
func (o *Observer) AsRoot() { o.machine.root = true }
