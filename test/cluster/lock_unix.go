//go:build unix

package cluster

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is returned by lockFile if another process holds the lock.
var errLocked = errors.New("locked by another process")

// lockFile opens the file, making it if need be, and locks it. If another process
// holds the lock, it returns errLocked at once. Closing the file gives the lock
// up, and so does the end of the process, however it comes.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, &os.PathError{Op: "flock", Path: path, Err: err}
}
