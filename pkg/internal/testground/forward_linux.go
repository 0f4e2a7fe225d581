package testground

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// Forwards carry connections between the networks of the machine and a node.
// They live in the test's process: a socket stays in the network that it was
// opened in, whoever holds it.
type forwards struct {
	mu        sync.Mutex
	listeners []net.Listener
}

// letIn makes an address of the node's network answer on the machine's
// loopback, and returns that one's.
func (n *node) letIn(addr string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("let the machine reach the node: %w", err)
	}
	n.forwards.add(l, func() (c net.Conn, err error) {
		err = n.inside.do(func() (err error) {
			c, err = net.Dial("tcp", addr)
			return err
		})
		return c, err
	})
	return l.Addr().String(), nil
}

// letOut makes an address of the machine's loopback answer under the same
// address on the node.
func (n *node) letOut(addr string) error {
	var l net.Listener
	err := n.inside.do(func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	})
	if err != nil {
		return fmt.Errorf("let the node reach %s: %w", addr, err)
	}
	n.forwards.add(l, func() (net.Conn, error) { return net.Dial("tcp", addr) })
	return nil
}

func (f *forwards) add(l net.Listener, dial func() (net.Conn, error)) {
	f.mu.Lock()
	f.listeners = append(f.listeners, l)
	f.mu.Unlock()
	go func() {
		for {
			from, err := l.Accept()
			if err != nil { // closed
				return
			}
			go join(from, dial)
		}
	}()
}

// join copies both ways until both ends are done.
func join(from net.Conn, dial func() (net.Conn, error)) {
	defer from.Close()
	to, err := dial()
	if err != nil { // the one who connected sees it as the end
		return
	}
	defer to.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		pour(from, to)
	}()
	pour(to, from)
	<-back
}

// pour copies until from ends, and hands the end on.
func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if c, ok := to.(*net.TCPConn); ok && err == nil {
		c.CloseWrite()
		return
	}
	to.Close() // broken: end the other way as well
	from.Close()
}

func (f *forwards) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.listeners {
		l.Close()
	}
}
