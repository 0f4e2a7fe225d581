package inbox

// Prune deletes at once what is old.
var Prune = (*Inbox).prune

// Fail makes the last commit one that failed.
func (b *Inbox) Fail() { b.failed.Store(true) }
