package fuzz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/conform"
)

// Pair are the two servers that are compared.
type Pair struct {
	Real, Simulated Server
	// Tries is how often the real server runs a sequence at most, until it agrees: its controllers are
	// free in what they do first. 0 means once.
	Tries int
}

// Server runs a script, as [conform.Script.Run] does.
type Server func(ctx context.Context, script *conform.Script, opts *conform.Options) (*conform.Script, error)

// At returns the server that a configuration leads to.
func At(config *rest.Config) Server {
	return func(ctx context.Context, script *conform.Script, opts *conform.Options) (*conform.Script, error) {
		return script.Run(ctx, config, opts)
	}
}

// Divergence is a sequence that two servers answer differently.
type Divergence struct {
	// Title is the comment at the beginning of the script.
	Title string
	// Sequence are the steps.
	Sequence Sequence
	// Script has the answers of the real server.
	Script *conform.Script
	// Simulated has those of the simulated one.
	Simulated *conform.Script
	// Failed is why the simulated server did not answer all of it, nil if it did.
	Failed error
}

// patience is how long an answer or an event may take, on a busy machine.
const patience = 20 * time.Second

// quiet is after which time without a change the garbage collectors have no more to do.
const quiet = 400 * time.Millisecond

// panicked is how a request ends at which the real server panics, as it does at some changes of the
// type of a Service. There is no answer to compare.
const panicked = "INTERNAL_ERROR; received from peer"

// Compare runs a sequence on both servers. It returns nil if they agree.
//
// # Errors
//
// A sequence that is no script, and a real server that was not reached or sent no event.
func (p *Pair) Compare(ctx context.Context, s Sequence, title string) (*Divergence, error) {
	return p.compare(ctx, s, title, patience)
}

// compare waits no longer than it is told for a server.
func (p *Pair) compare(ctx context.Context, s Sequence, title string, patience time.Duration) (*Divergence, error) {
	script, err := conform.Parse("fuzz.txt", s.Text(title))
	if err != nil {
		return nil, err
	}
	opts := &conform.Options{Patience: min(patience, 2*time.Second), Quiet: quiet, Whole: true} // it does not wait for other processes
	got, failed := p.Simulated(ctx, script, opts)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("running on the simulated server: %s %w", title, ctx.Err())
	}
	for i, step := range got.Steps {
		script.Steps[i].Answer = step.Answer // what SETTLE waits for
	}
	masked(got)
	opts.Patience = patience
	var want *conform.Script
	for try := 0; try == 0 || try < p.Tries && len(want.Differences(got)) > 0; try++ {
		want, err = p.Real(ctx, script, opts)
		if err != nil && strings.Contains(err.Error(), panicked) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("running on the real server: %s %w", title, err)
		}
		masked(want)
	}
	if failed == nil && len(want.Differences(got)) == 0 {
		return nil, nil
	}
	return &Divergence{Title: title, Sequence: s, Script: want, Simulated: got, Failed: failed}, nil
}

// String shows the script with the answers of the real server, and below it the lines in which the
// simulated one differs.
func (d *Divergence) String() string {
	out := []string{d.Script.String()}
	for i, step := range d.Script.Steps {
		var got []string
		if i < len(d.Simulated.Steps) {
			got = d.Simulated.Steps[i].Answer
		}
		if slices.Equal(step.Answer, got) {
			continue
		}
		out = append(out, fmt.Sprintf("Line %d: %s", step.Line, step.Command))
		out = append(out, missing("real     ", step.Answer, got)...)
		out = append(out, missing("simulated", got, step.Answer)...)
	}
	if d.Failed != nil {
		out = append(out, "simulated "+d.Failed.Error())
	}
	return strings.Join(out, "\n") + "\n"
}

// missing are the lines that another answer does not have.
func missing(who string, lines, other []string) (out []string) {
	for i, line := range lines {
		if !slices.Contains(other, line) || i < len(other) && len(other) == len(lines) && other[i] != line {
			out = append(out, who+" "+line)
		}
	}
	return out
}
