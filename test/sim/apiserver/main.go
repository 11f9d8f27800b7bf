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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // the last: its terminal is closed
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status(err, os.Stderr))
}

// status is the exit status of the program. It says an error that has not been said.
func status(err error, problems io.Writer) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(problems, err)
	return 1
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
