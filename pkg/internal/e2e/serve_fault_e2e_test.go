//go:build e2e && long && linux

package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// Events wait while the registry is away, and are judged once it is back; that
// nothing is known meanwhile is told once.
func TestServeWhileTheRegistryIsDown(t *testing.T) {
	l := newLoaded(t, "sqlite: intact.db")
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	ok(t, l.registry.Close())
	tags := l.tags[:8]
	for _, tag := range tags {
		ok(t, l.deliver(t.Context(), tag, 0))
	}
	// After some attempts it is told that nothing is known, and then no more of it.
	down := time.Now()
	l.place.await(t, l.registry.Ref(tags[0]), 1, 2*time.Minute)
	t.Logf("told that nothing is known after %s", time.Since(down))
	time.Sleep(20 * time.Second)
	ok(t, l.registry.Restart(t.Context()))
	back := time.Now()
	for _, tag := range tags {
		undecided := 0
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			told := l.place.of(l.registry.Ref(tag))
			undecided = 0
			for _, n := range told {
				if n.Data.Verdict == "undecided" {
					undecided++
				}
			}
			if len(told) > undecided {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not judged: %+v\n%s", tag, told, r.tail())
			}
		}
		if undecided > 1 {
			t.Errorf("%d times told that %s is undecided", undecided, tag)
		}
	}
	t.Logf("all judged %s after the registry came back", time.Since(back))
	l.drained(t, time.Minute)
	r.end(t)
	l.check(t, filepath.Join(l.dir, "intact.db"), r)
}

func TestServeWhilePostgreSQLRestarts(t *testing.T) {
	postgres := must(testground.StartPostgres(t.Context()))(t)
	t.Cleanup(func() { ok(t, postgres.Close()) })
	url := must(postgres.Database(t.Context()))(t)
	l := newLoaded(t, fmt.Sprintf("postgres: %q", url))
	var all []*replica
	for _, address := range freeAddresses(t, 2) {
		r := l.replica(t, address)
		r.start(t)
		r.await(t)
		all = append(all, r)
	}
	over := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { l.load(t, 100, -1, over) })
	for range 3 {
		time.Sleep(2 * time.Second)
		ok(t, postgres.Restart(t.Context()))
	}
	time.Sleep(2 * time.Second)
	close(over)
	sending.Wait()
	l.drained(t, 2*time.Minute)
	for _, r := range all {
		r.end(t)
	}
	l.check(t, url, all...)
}

// A config with an error is told of and changes nothing; one without is used.
func TestServeWithAConfigReloaded(t *testing.T) {
	l := newLoaded(t, "sqlite: intact.db")
	r := l.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	good := must(os.ReadFile(l.config))(t)
	ok(t, os.WriteFile(l.config, bytes.Replace(good, []byte("kind: distribution"), []byte("kind: nonsense"), 1), 0o600))
	ok(t, r.cmd.Process.Signal(syscall.SIGHUP))
	l.place.await(t, "config", 1, 10*time.Second)
	if body := l.get(t, "/api/v1/events", http.StatusOK); !strings.Contains(body, "config.refused") || !strings.Contains(body, "nonsense") {
		t.Errorf("events: %s", body)
	}
	ok(t, l.deliver(t.Context(), l.tags[0], 0))
	l.place.await(t, l.registry.Ref(l.tags[0]), 1, 10*time.Second)

	ok(t, os.WriteFile(l.config, bytes.Replace(good, []byte("name: local"), []byte("name: other"), 1), 0o600))
	ok(t, r.cmd.Process.Signal(syscall.SIGHUP))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := l.sender.post(t.Context(), r.address, []byte(`{"events":[]}`)); err != nil && strings.HasPrefix(err.Error(), "404") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the endpoint is still there")
		}
	}
	r.end(t)
}

func TestServeWithACertificateReplaced(t *testing.T) {
	g := newGround(t)
	s := prepare(t, g, "sqlite: intact.db", "0s", "tls: {certificate: tls.crt, key: tls.key}")
	issue(t, s.dir, 1)
	r := s.replica(t, freeAddresses(t, 1)[0])
	r.start(t)
	r.await(t)
	serial := func() int64 {
		conn := must(tls.Dial("tcp", r.address, &tls.Config{InsecureSkipVerify: true}))(t) // the serial number is what counts
		defer func() { ok(t, conn.Close()) }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("serial number %d", n)
	}
	ok(t, os.WriteFile(filepath.Join(s.dir, "tls.crt"), []byte("half"), 0o600))
	time.Sleep(1100 * time.Millisecond) // it looks once a second
	if n := serial(); n != 1 {
		t.Errorf("half a certificate: serial number %d", n)
	}
	issue(t, s.dir, 2)
	for end := time.Now().Add(5 * time.Second); serial() != 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the new certificate is not used")
		}
	}
	r.end(t)
}

// issue writes a certificate with that serial number.
func issue(t *testing.T, dir string, serial int64) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(key))(t)
	ok(t, os.WriteFile(filepath.Join(dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}
