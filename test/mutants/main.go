// Command mutants breaks the library on purpose, in one place at a time, and runs the tests that
// should notice. A mutant that no test notices is a guarantee that no test checks. Run it from
// the root of the module; README.md shows how to add a mutant.
//
//	go run ./test/mutants
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "mutants:", err)
		}
		os.Exit(1)
	}
}

func command(args []string, out io.Writer) error {
	r := &runner{out: out}
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	name := flags.String("run", "", "only mutants whose names match this `regexp`")
	list := flags.Bool("list", false, "print the mutants, run nothing")
	flags.StringVar(&r.module, "C", ".", "the `directory` of the module to mutate; it is not written to")
	flags.StringVar(&r.lists, "lists", filepath.Join("test", "mutants", "list"), "the `directory` of the lists, in the module")
	flags.BoolVar(&r.keep, "keep", false, "keep the mutated files, and say where they are")
	flags.BoolVar(&r.verbose, "v", false, "print what the test that noticed said")
	flags.IntVar(&r.parallel, "j", 1, "how many mutants are tested at the same time")
	flags.DurationVar(&r.timeout, "timeout", 30*time.Second, "how long the tests of one mutant may run")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // which it has printed, or what is wrong
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	only, err := regexp.Compile(*name)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	all, err := load(r.module, r.lists)
	if err != nil {
		return err
	}
	for _, m := range all {
		if only.MatchString(m.Name) {
			r.mutants = append(r.mutants, m)
		}
	}
	if len(r.mutants) == 0 {
		return fmt.Errorf("no mutant matches -run %q", *name)
	}
	if *list {
		r.list()
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return r.run(ctx)
}
