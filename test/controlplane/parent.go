package main

import (
	"fmt"
	"io"
	"os"
)

// parentPipe names the environment variable that ties this process to its
// parent. Package test/cluster sets it.
const parentPipe = "KUBERATOR_PARENT_PIPE"

// exitWithParent ends the process when the parent's end of the pipe is closed,
// which the kernel does for a parent that dies in any way.
func exitWithParent(pipe io.Reader) {
	_, err := io.Copy(io.Discard, pipe)
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane: reading the parent's pipe:", err)
	}
	fmt.Fprintln(os.Stderr, "controlplane: the parent process is gone, exiting")
	os.Exit(1)
}
