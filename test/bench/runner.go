package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/kuberator/kuberator/test/bench/internal/report"
	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

// runner measures workloads.
type runner struct {
	log        io.Writer
	short      bool
	rounds     int
	contenders []string // nil: all
	// commit is what is measured. "" means that nobody knows.
	commit string
	// profiles is the folder for profiles of the processors. "" means none.
	profiles string
	// cluster means that the API servers are real.
	cluster bool
}

// measure asks all contenders in turn, round after round: on a machine whose speed drifts, only what ran side by side
// compares.
func (r *runner) measure(ctx context.Context, w workload.Workload) (*report.Samples, error) {
	samples := &report.Samples{Workload: w.Name, Commit: r.commit, Partial: r.partial(w)}
	for round := range r.roundsOf(w) {
		for _, c := range inTurn(w.Contenders, round) {
			if r.contenders != nil && !slices.Contains(r.contenders, c.Name) {
				continue
			}
			began := time.Now()
			values, err := r.one(ctx, w, c.Name, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			samples.Add(c.Name, values)
			fmt.Fprintf(r.log, "%s, round %d: %s took %s\n", w.Name, round+1, c.Name, time.Since(began).Round(100*time.Millisecond))
		}
	}
	return samples, nil
}

func (r *runner) roundsOf(w workload.Workload) int {
	switch {
	case r.rounds > 0:
		return r.rounds
	case r.short:
		return 1
	default:
		return w.Turns()
	}
}

// partial tells if what is measured is less than the workload asks for, or slowed down.
func (r *runner) partial(w workload.Workload) bool {
	return r.short || r.contenders != nil || r.profiles != "" || r.roundsOf(w) < w.Turns()
}

// inTurn returns who comes when in a round. Each second round is the reverse of the one before it, so that a machine that
// becomes slower is not to anybody's disadvantage; and from pair to pair, others are next to each other.
func inTurn[T any](all []T, round int) []T {
	n := len(all)
	turn := make([]T, n)
	for i := range turn {
		step := (i + 1) / 2 // 0, 1, -1, 2, -2, …
		if i%2 == 0 {
			step = n - step
		}
		turn[i] = all[(round/2+step)%n]
	}
	if round%2 == 1 {
		slices.Reverse(turn)
	}
	return turn
}

// one measures a contender once.
func (r *runner) one(ctx context.Context, w workload.Workload, contender string, round int) (values []workload.Value, err error) {
	task := workload.Task{Workload: w.Name, Contender: contender, Size: w.Full, Round: round}
	if r.profiles != "" {
		task.Profile = filepath.Join(r.profiles, w.Name+"."+contender+".pprof")
	}
	if r.short {
		task.Size = w.Short
	}
	debug.FreeOSMemory() // what the one before left is not collected now
	site, err := w.Begin(ctx, task.Size, r.cluster)
	if err != nil {
		return nil, err
	}
	task.Server, task.Driver = site.Server, site.Driver
	if site.Close != nil {
		defer func() { err = errors.Join(err, site.Close()) }()
	}
	return process(ctx, task)
}

// process does the task in a process of its own.
func process(ctx context.Context, task workload.Task) ([]workload.Value, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), envTask+"="+string(told))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &stderr)
	}
	var values []workload.Value
	return values, json.Unmarshal(stdout.Bytes(), &values)
}
