package cluster

import "syscall"

// attributes gives a child a process group of its own, so that Ctrl-C in a
// terminal reaches this process only, which then stops its children in order.
// The kernel kills the child when the thread that started it ends: this covers
// programs that do not watch the parent's pipe, and ones that are paused.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
