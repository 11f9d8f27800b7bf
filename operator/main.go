package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/kuberator/kuberator/internal/safelog"
)

// Setup makes the controllers of a process and gives them to [Process.Lead]. It must make no request: it is
// also called to write manifests, where there is no cluster.
type Setup func(p *Process) error

// Main runs an operator as the whole of a program, and ends the program. name is that of the operator, with
// a domain in front: "example.com/shop-operator" reports events by it, and its Lease, its manifests and its
// environment variables are named shop-operator. A nil opts means the defaults.
//
// The first SIGINT or SIGTERM ends the work in order, see controller.Options.Grace; a second one ends the
// process at once. The exit status is 0 after an end in order, 2 if flags are wrong, and 1 after any other
// error, which is the last record of the log.
//
// klog, with which client-go logs, and package slog write to the log of the operator from then on.
func Main(name string, setup Setup, opts *Options) {
	os.Exit(run(name, os.Args[1:], setup, opts))
}

func run(name string, args []string, setup Setup, opts *Options) (status int) {
	p, err := newProcess(name, args, opts, os.Stdout)
	switch {
	case errors.Is(err, errDone):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer func() { _ = p.Logger.Sync() }()
	p.ownProcess()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	err = p.run(ctx, setup)
	switch {
	case errors.Is(err, errDone):
	case err != nil:
		p.Logger.Error("ended by an error", safelog.Error(err))
		return 1
	default:
		p.Logger.Info("ended")
	}
	return 0
}

// Run is [Main] for a program that has signals, an exit status and global loggers of its own, and for tests.
// args are the flags, without the name of the program; out gets what --help, --version and --manifests
// print. It returns when ctx has ended and the work has, and its errors are those of the flags, of setup, of
// the runners, and of the listeners.
func Run(ctx context.Context, name string, args []string, setup Setup, opts *Options, out io.Writer) error {
	p, err := newProcess(name, args, opts, out)
	if err == nil {
		err = p.run(ctx, setup)
	}
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}
