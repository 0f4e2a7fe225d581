//go:build !linux

package rewrite

import "os"

func move(dir *os.Root, temp, base string, old []byte) error {
	return moveChecked(dir, temp, base, old)
}
