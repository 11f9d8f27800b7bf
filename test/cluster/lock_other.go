//go:build !unix

package cluster

import (
	"errors"
	"os"
)

// errLocked is never returned here: see lockFile.
var errLocked = errors.New("locked by another process")

// lockFile opens the file without locking it: there is no flock on this system,
// so two processes that need the same build may both make it.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
