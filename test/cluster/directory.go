package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// temporaryPrefix begins the name of every temporary directory of this package.
const temporaryPrefix = "kuberator-cluster-"

// directory is where a control plane keeps its data, keys and logs.
type directory struct {
	path      string
	temporary bool
	lock      *os.File
}

// openDirectory makes the directory, or a temporary one if path is empty, and
// locks it, so that no two control planes write to the same data.
func openDirectory(path string) (*directory, error) {
	if path != "" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("data directory %s: %w", path, err)
		}
		if err := os.MkdirAll(absolute, 0o700); err != nil {
			return nil, fmt.Errorf("making the data directory: %w", err)
		}
		lock, err := lockFile(filepath.Join(absolute, "lock"))
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("data directory %s is in use by another control plane", absolute)
		}
		if err != nil {
			return nil, fmt.Errorf("locking the data directory: %w", err)
		}
		return &directory{path: absolute, lock: lock}, nil
	}
	removeAbandoned()
	return openTemporary()
}

// openTemporary makes a temporary directory. The lock gets its name only after
// it is held, so that removeAbandoned of another process never takes a directory
// that is just being made for one that was left behind.
func openTemporary() (*directory, error) {
	path, err := os.MkdirTemp("", temporaryPrefix)
	if err != nil {
		return nil, fmt.Errorf("making a temporary data directory: %w", err)
	}
	unnamed := filepath.Join(path, "lock.new")
	lock, err := lockFile(unnamed)
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(path, "lock"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data directory: %w", err), os.RemoveAll(path))
	}
	return &directory{path: path, temporary: true, lock: lock}, nil
}

// removeAbandoned removes the temporary directories of processes that were
// killed. Their locks are free, because the kernel gave them up. It does what it
// can: what cannot be removed, or belongs to someone else, stays.
func removeAbandoned() {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryPrefix+"*", "lock"))
	if err != nil {
		return
	}
	for _, path := range locks {
		lock, err := lockFile(path)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(filepath.Dir(path))
		_ = lock.Close()
	}
}

func (d *directory) join(name ...string) string {
	return filepath.Join(append([]string{d.path}, name...)...)
}

// close gives the lock up and, if the directory is temporary, removes it.
func (d *directory) close() error {
	var err error
	if d.temporary {
		err = os.RemoveAll(d.path)
	}
	return errors.Join(err, d.lock.Close())
}
