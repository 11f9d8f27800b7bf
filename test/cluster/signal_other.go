//go:build !unix

package cluster

import (
	"errors"
	"os"
)

// signal is what a [Process] can be told.
type signal int

const (
	terminate signal = iota
	kill
	pause
	resume
)

// send can only kill: there are no other signals on this system.
func send(process *os.Process, s signal) error {
	if s == pause || s == resume {
		return errors.ErrUnsupported
	}
	return process.Kill()
}
