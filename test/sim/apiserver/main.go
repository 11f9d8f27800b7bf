// Apiserver is a simulated Kubernetes API server on a port of this machine, for kubectl, for
// operators under development, for demonstrations and tutorials:
//
//	go run github.com/kuberator/kuberator/test/sim/apiserver -crds config/crd
//
// It starts at once, keeps everything in memory, and ends with Ctrl-C. It is no cluster: nothing
// runs Pods, and of the controllers it has the garbage collector and the one that empties
// namespaces. With -h it lists its flags, and the README of the folder explains them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage): // it has been said
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out, problems io.Writer) error {
	opts, err := parse(args, problems)
	if err != nil {
		return err
	}
	s, err := start(opts)
	if err != nil {
		return err
	}
	s.greet(out)
	select {
	case <-ctx.Done():
	case <-s.served.Done():
	}
	return s.close()
}
