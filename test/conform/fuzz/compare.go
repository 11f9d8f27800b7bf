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
type Pair struct{ Real, Simulated *rest.Config }

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
	opts := &conform.Options{Patience: patience, Whole: true}
	want, err := script.Run(ctx, p.Real, opts)
	if err != nil && strings.Contains(err.Error(), panicked) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("running on the real server: %s %w", title, err)
	}
	opts.Patience = min(patience, 2*time.Second) // it does not wait for other processes
	got, err := script.Run(ctx, p.Simulated, opts)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("running on the simulated server: %s %w", title, ctx.Err())
	}
	masked(want)
	masked(got)
	if err == nil && len(want.Differences(got)) == 0 {
		return nil, nil
	}
	return &Divergence{Title: title, Sequence: s, Script: want, Simulated: got, Failed: err}, nil
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
