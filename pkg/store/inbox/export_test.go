package inbox

// Prune deletes at once what is old.
var Prune = (*Inbox).prune
