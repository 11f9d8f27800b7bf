// Bench measures this library beside a loop written by hand on client-go and beside controller-runtime: the same work,
// against the same server, in the same run, one after the other, again and again. README.md says what the numbers mean.
//
// It is a module of its own, so that controller-runtime never becomes a dependency of the library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/kuberator/kuberator/test/bench/internal/report"
	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// envTask makes this program the process of a contender.
const envTask = "KUBERATOR_BENCH_TASK"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(envTask) != "" {
		end(workload.Main(ctx, envTask))
		return
	}
	end(bench(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func end(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// asked is what the arguments ask for.
type asked struct {
	runner
	chosen           []workload.Workload
	results, publish string
	strict, render   bool
}

func parse(args []string, log io.Writer) (a asked, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	names := flags.String("workload", "", "measure these only, separated by commas: "+strings.Join(workloads(), ", "))
	contenders := flags.String("contender", "", "measure these only, separated by commas: for profiles, as what runs alone has no ratio")
	flags.IntVar(&a.rounds, "rounds", 0, "measure each contender that often, in turn; 0 means what the workload says, from 1 to 5")
	flags.BoolVar(&a.short, "short", false, "do little: to see that all works, not for figures")
	flags.StringVar(&a.commit, "commit", "", "what is measured, for the results: a commit, as make bench has it")
	flags.StringVar(&a.results, "results", "", "keep the results in this file, beside those of other workloads that are in it (default results.json, or results-local.json; nothing is kept of a run that is short, profiled, or has not all contenders or rounds)")
	flags.StringVar(&a.publish, "publish", "", "write the tables into performance.md of this folder, and the charts into its folder images")
	flags.StringVar(&a.profiles, "cpuprofile", "", "write a profile of the processors of each contender into this folder, for go tool pprof; it slows them down")
	flags.BoolVar(&a.strict, "strict", false, "fail if a bar is missed; in a short run, only counts are looked at")
	flags.BoolVar(&a.render, "render", false, "measure nothing: show, and publish, the results that are there")
	cluster := flags.String("cluster", "", "local: measure what needs an API server on a real control plane, and nothing else")
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	if *cluster != "" && a.publish != "" {
		return a, errors.New("what is published is measured on the simulator, for everybody to repeat")
	}
	if a.rounds < 0 {
		return a, fmt.Errorf("%d rounds cannot be measured", a.rounds)
	}
	a.log, a.cluster, a.contenders = log, *cluster != "", list(*contenders)
	if a.chosen, err = choose(list(*names), *cluster); err != nil {
		return a, err
	}
	return a, errors.Join(a.known(), a.keep())
}

// list splits what is separated by commas. It is nil if there is nothing.
func list(text string) (names []string) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// known tells of contenders that none of the workloads has.
func (a *asked) known() error {
	var all []string
	for _, w := range a.chosen {
		for _, c := range w.Contenders {
			all = append(all, c.Name)
		}
	}
	for _, name := range a.contenders {
		if !slices.Contains(all, name) {
			slices.Sort(all)
			return fmt.Errorf("there is no contender %q, but %s", name, strings.Join(slices.Compact(all), ", "))
		}
	}
	return nil
}

// keep decides where the results are kept. Those that are less than what the workloads ask for are not published, and not
// kept beside others, unless a file is named.
func (a *asked) keep() error {
	partial := !a.render && slices.ContainsFunc(a.chosen, a.partial)
	switch {
	case partial && a.publish != "":
		return errors.New("what is published has all contenders and rounds, in full and without profiles")
	case partial || a.results != "":
	case a.cluster:
		a.results = "results-local.json"
	default:
		a.results = "results.json"
	}
	return nil
}

// bench measures what args ask for. The tables go to out, what happens to log.
func bench(ctx context.Context, args []string, out, log io.Writer) error {
	a, err := parse(args, log)
	if err != nil {
		return err
	}
	all, err := report.Read(a.results)
	if err != nil {
		return err
	}
	for _, w := range a.chosen {
		if !a.render {
			measured, err := a.measure(ctx, w)
			if err != nil {
				return fmt.Errorf("workload %s: %w", w.Name, err)
			}
			all.Replace(w.Name, measured)
			if err := all.Write(a.results); err != nil {
				return err
			}
		}
		fmt.Fprintln(out, report.Table(w, all))
	}
	fmt.Fprintln(out, report.Verdicts(a.chosen, all))
	if !a.render && slices.ContainsFunc(a.chosen, a.partial) {
		fmt.Fprintln(out, "This was less than what the workloads ask for: of limits, those of times say little now.")
	}
	if a.publish != "" {
		if err := report.Publish(a.publish, all); err != nil {
			return err
		}
	}
	if missed := report.Missed(a.chosen, all, a.short); a.strict && len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, "; "))
	}
	return nil
}

func workloads() (names []string) {
	for _, w := range workload.All() {
		names = append(names, w.Name)
	}
	return names
}

// choose returns the workloads with these names, or all that can be measured.
func choose(names []string, cluster string) (chosen []workload.Workload, err error) {
	if cluster != "" && cluster != "local" {
		return nil, fmt.Errorf("the cluster can be local, not %q", cluster)
	}
	if len(names) == 0 {
		return slices.DeleteFunc(workload.All(), func(w workload.Workload) bool { return cluster != "" && w.API == nil }), nil
	}
	for _, name := range names {
		i := slices.Index(workloads(), name)
		if i < 0 {
			return nil, fmt.Errorf("there is no workload %q, but %s", name, strings.Join(workloads(), ", "))
		}
		w := workload.All()[i]
		if cluster != "" && w.API == nil {
			return nil, fmt.Errorf("workload %s has no API server that could be a real one", name)
		}
		chosen = append(chosen, w)
	}
	return chosen, nil
}
