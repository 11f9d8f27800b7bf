//go:build !unix

package cluster

import "syscall"

// attributes has nothing to set on this system.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{}
}
