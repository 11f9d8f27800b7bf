//go:build unix && !linux

package cluster

import "syscall"

// attributes gives a child a process group of its own, so that Ctrl-C in a
// terminal reaches this process only, which then stops its children in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
