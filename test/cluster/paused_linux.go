package cluster

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// awaitPaused returns when every thread of the child has come to a halt, or the
// child is gone. A signal is only delivered when a thread next enters the kernel.
func awaitPaused(pid int) error {
	const (
		byPID   = 1         // P_PID
		options = 0x1000006 // WNOWAIT|WEXITED|WSTOPPED: look, and leave the news to Wait
	)
	var info [128]byte // siginfo_t, of which nothing is needed
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), options, 0, 0)
		switch {
		case errno == 0, errors.Is(errno, syscall.ECHILD):
			return nil
		case !errors.Is(errno, syscall.EINTR):
			return fmt.Errorf("waiting for it to halt: %w", errno)
		}
	}
}
