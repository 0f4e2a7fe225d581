//go:build !unix

package rewrite

import (
	"io/fs"
	"os"
)

// own does nothing: a file that is created in a folder inherits its owner here.
func own(*os.File, fs.FileInfo) error { return nil }

// syncDir does nothing: folders cannot be synced here.
func syncDir(*os.Root) error { return nil }
