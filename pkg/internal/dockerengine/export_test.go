package dockerengine

import "time"

// Hurry changes how long a small answer may take, once connected.
func (e *Engine) Hurry(timeout time.Duration) { e.timeout = timeout }
