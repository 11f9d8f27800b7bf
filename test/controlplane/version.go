package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

// printVersions writes one line for this command, for Go, and for each of the
// modules that the programs in it come from.
func printVersions(w io.Writer) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		fmt.Fprintln(w, "controlplane: built without version information")
		return
	}
	fmt.Fprintln(w, "controlplane", info.Main.Version)
	fmt.Fprintln(w, "go", info.GoVersion)
	for _, module := range info.Deps {
		switch module.Path {
		case "k8s.io/kubernetes":
			fmt.Fprintln(w, "kubernetes", module.Version)
		case "go.etcd.io/etcd/server/v3":
			fmt.Fprintln(w, "etcd", module.Version)
		}
	}
}
