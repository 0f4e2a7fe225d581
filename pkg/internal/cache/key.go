package cache

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

const keySize = 32

// DefaultKeyFile is where the key lies if nothing else was said: in the user's
// configuration folder.
func DefaultKeyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &Warning{Op: "find cache key", Err: err}
	}
	return filepath.Join(dir, "intact", "cache.key"), nil
}

// loadKey reads the key, or makes one.
func loadKey(name string) ([]byte, error) {
	key, err := readKey(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(name); err != nil {
		return nil, err
	}
	return readKey(name) // of several processes, one made it
}

func readKey(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("key file %q is no regular file", name)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("key file %q can be used by others (mode %04o): remove it, a new one is made", name, info.Mode().Perm())
	case info.Size() != keySize:
		return nil, fmt.Errorf("key file %q has %d bytes, not %d: remove it, a new one is made", name, info.Size(), keySize)
	}
	key := make([]byte, keySize)
	_, err = io.ReadFull(f, key)
	return key, err
}

// createKey makes a key that is whole or not there: it is written under another
// name and linked, which fails if somebody else was faster.
func createKey(name string) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var random [16 + keySize]byte
	_, _ = rand.Read(random[:]) // never fails
	temp := filepath.Join(dir, ".cache-key-"+hex.EncodeToString(random[:16]))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp) }()
	_, err = f.Write(random[16:])
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(temp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
