package ops

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Certificate is one in files that are read again when they change. It may be
// used concurrently.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu        sync.Mutex
	looked    time.Time
	cert, key []byte // as they were read last, good or bad
	failed    string // the last error, which is logged once
	now509    *tls.Certificate
}

// lookEvery is how often files are looked at, at most: when somebody connects.
const lookEvery = time.Second

// maxPEM bounds what is read of a file.
const maxPEM = 1 << 20

// NewCertificate reads the files for the first time.
func NewCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*Certificate, error) {
	if now == nil {
		now = time.Now
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	if _, err := c.read(); err != nil {
		return nil, err
	}
	c.looked = now()
	return c, nil
}

// Get is for [tls.Config.GetCertificate]. What cannot be read, or does not fit
// together because it is being replaced, leaves the former certificate in place.
func (c *Certificate) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := c.now().Sub(c.looked); since >= 0 && since < lookEvery {
		return c.now509, nil
	}
	c.looked = c.now()
	changed, err := c.read()
	switch {
	case err == nil && changed:
		c.failed = ""
		c.log.InfoContext(hello.Context(), "the TLS certificate changed", "file", c.certFile, "until", c.now509.Leaf.NotAfter)
	case err == nil:
		c.failed = ""
	case err.Error() != c.failed:
		c.failed = err.Error()
		c.log.ErrorContext(hello.Context(), "the TLS certificate cannot be read again; the former one stays", "error", c.failed)
	}
	return c.now509, nil
}

// read reads both files if they are not what they were.
func (c *Certificate) read() (changed bool, err error) {
	cert, err := readPEM(c.certFile)
	if err != nil {
		return false, fmt.Errorf("TLS certificate: %w", err)
	}
	key, err := readPEM(c.keyFile)
	if err != nil {
		return false, fmt.Errorf("TLS key: %w", err)
	}
	if c.now509 != nil && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("TLS certificate %q with key %q: %w", c.certFile, c.keyFile, err)
	}
	c.cert, c.key, c.now509 = cert, key, &pair
	return true, nil
}

func readPEM(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxPEM {
		return nil, fmt.Errorf("%q: no file of at most %d bytes", name, maxPEM)
	}
	return os.ReadFile(name)
}

// NotAfter is until when the certificate holds that is in use.
func (c *Certificate) NotAfter() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now509.Leaf.NotAfter
}

// WatchCertificate adds until when c holds. It is called at most once.
func (m *Metrics) WatchCertificate(c *Certificate) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "intact_tls_certificate_not_after_seconds", Help: "When the TLS certificate ends, in seconds since 1970.",
	}, func() float64 { return float64(c.NotAfter().Unix()) }))
}
