package testground

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports of FreeAddr. Systems take those of outgoing connections, and of listeners
// that name none, from above: between a look and the use of such a port somebody
// else may have it.
//
// https://www.rfc-editor.org/rfc/rfc6335#section-6
const (
	firstPort = 10_000
	lastPort  = 30_000
)

// FreeAddr is a loopback address where nobody listened a moment ago.
func FreeAddr() (string, error) {
	var failed error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort)))
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		return l.Addr().String(), l.Close()
	}
	return "", fmt.Errorf("find a free port: %w", failed)
}
