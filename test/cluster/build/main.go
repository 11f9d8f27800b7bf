// Command build makes the control plane that package cluster starts, if it is not
// there yet, and prints the path of the program. Run it before tests, which have a
// time limit: the first build takes some minutes.
//
//	go run github.com/kuberator/kuberator/test/cluster/build
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/kuberator/kuberator/test/cluster"
)

func main() {
	path, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}

func build() (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return cluster.Binary(ctx, os.Stderr)
}
