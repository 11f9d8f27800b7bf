// Command demo shows the operator configmirror at work: it serves a simulated API server
// on this machine, runs two replicas of the operator as its service account, lets a few things happen,
// to the replicas too, and tells what the operator makes of them.
//
//	demo                      stays up until Ctrl-C
//	demo -once                checks the result, deletes everything and ends
//	demo -cluster=local       starts a real control plane instead; builds it, if it is not there yet
//	demo -cluster=current     uses the cluster of the current kubeconfig context
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == replicaArg {
		os.Exit(replicaMain(os.Args[2:]))
	}
	once := flag.Bool("once", false, "check the result, delete everything, print a summary and end")
	where := flag.String("cluster", "simulated", "`where` to run: simulated, in this process; local, a real control plane of its own; or current, the current kubeconfig context")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo takes flags only, such as -once, and no argument like %q\n", flag.Arg(0))
		os.Exit(2)
	}
	n := newNarrator(os.Stdout)
	ctx := interruptible(n)
	if !*once {
		n.pace = time.Second
	}
	if err := run(ctx, *where, *once, n); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
	if *once {
		n.section(n.summary)
	}
	if err := n.lost(); *once && err != nil {
		fmt.Fprintln(os.Stderr, "failed: what happened could not be written:", err)
		os.Exit(1)
	}
}

// interruptible returns a ctx that ends with Ctrl-C, and when the terminal or the reader of the story goes away, so that the demo
// ends in order. That nobody reads is seen by the narrator, and not by SIGPIPE: that signal also comes when the peer
// of any connection has closed it, which is the ordinary course.
func interruptible(n *narrator) context.Context {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	n.unread = cancel
	context.AfterFunc(ctx, stop) // a second Ctrl-C then ends the process at once
	return ctx
}

// run does everything. What it starts ends in the reverse order.
func run(ctx context.Context, where string, once bool, n *narrator) (err error) {
	p, err := open(ctx, where, n)
	if err != nil {
		return interrupted(ctx, once, err)
	}
	defer func() { err = errors.Join(err, p.end(n)) }()
	s, err := newStage(ctx, p, n)
	if err != nil {
		return interrupted(ctx, once, err)
	}
	end, err := s.start(ctx)
	if err != nil {
		return interrupted(ctx, once, err)
	}
	defer func() { err = errors.Join(err, end()) }()

	if err := s.play(ctx); err != nil {
		return errors.Join(interrupted(ctx, once, err), s.strike(ctx))
	}
	if once {
		return errors.Join(s.finish(ctx), s.strike(ctx))
	}
	n.section(p.help(s.deployment.pages()))
	select {
	case <-ctx.Done():
		n.section("Ending. Ctrl-C again ends at once.")
		return s.strike(ctx)
	case <-p.lost:
		return p.err()
	}
}

// interrupted makes nothing of an error that Ctrl-C brought about, unless a result
// was asked for.
func interrupted(ctx context.Context, once bool, err error) error {
	if ctx.Err() != nil && !once {
		return nil
	}
	return err
}
