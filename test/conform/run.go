package conform

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// awaitInterval is short against the time after which a person notices.
const awaitInterval = 50 * time.Millisecond

// Options configures [Script.Run]. A nil *Options and the zero value mean the same.
type Options struct {
	// Patience is how long a step waits for an answer, an event or a status. If it is
	// zero, it is a minute: the garbage collector of a real control plane may take
	// half of that to notice a new kind.
	Patience time.Duration

	// Quiet is how long an answer has to stay the same for SETTLE. If it is zero, it is a second.
	Quiet time.Duration

	// Whole shows long values in full. In the scripts they are cut.
	Whole bool
}

// Run takes the steps of the script on the server that config leads to, in a new
// namespace, and returns the script with the answers of that server.
//
// # Errors
//
// An error names the step that could not be taken: the server was not reached, or
// an event did not come in time. The script then holds the answers before
// it. What a server refuses is an answer and no error.
func (s *Script) Run(ctx context.Context, config *rest.Config, opts *Options) (*Script, error) {
	opts = cmp.Or(opts, &Options{})
	patience := cmp.Or(opts.Patience, time.Minute)
	over, err := newClient(config, patience)
	if err != nil {
		return nil, fmt.Errorf("running script %s: %w", s.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	v := newValues()
	r := &run{client: over, quiet: cmp.Or(opts.Quiet, time.Second), values: v, render: newRenderer(v, s.String()), watches: map[string]*watch{}}
	r.render.whole = opts.Whole
	defer func() {
		cancel()
		for _, w := range r.watches {
			w.close()
		}
	}()
	if err := r.makeNamespace(ctx); err != nil {
		return nil, fmt.Errorf("running script %s: %w", s.Name, err)
	}
	taken := *s
	taken.Steps = nil
	for _, step := range s.Steps {
		if step.Answer, err = r.step(ctx, &step); err != nil {
			err = fmt.Errorf("running script %s: %s: %w", s.place(step), step.Command, err)
			break
		}
		taken.Steps = append(taken.Steps, step)
	}
	for i := range taken.Steps {
		taken.Steps[i].Answer = r.render.numbers.resolve(taken.Steps[i].Answer)
	}
	return &taken, err
}

// run is one run of a script.
type run struct {
	client  *client
	quiet   time.Duration
	vain    bool // SETTLE has waited for an answer that did not come
	values  *values
	render  *renderer
	watches map[string]*watch
}

func (r *run) makeNamespace(ctx context.Context) error {
	step, err := Parse("namespace", "# The namespace of the script.\nPOST $namespaces\n  {$Namespace,\"metadata\":{\"name\":\"$ns\"}}")
	if err != nil {
		return err
	}
	got, err := r.client.do(ctx, &step.Steps[0], r.values)
	if err != nil {
		return fmt.Errorf("making namespace %s: %w", r.values.namespace, err)
	}
	if got.status != http.StatusCreated {
		return fmt.Errorf("making namespace %s: status %d: %s", r.values.namespace, got.status, got.body)
	}
	return nil
}

// step takes a step and returns its answer, in which numbers are not resolved yet.
func (r *run) step(ctx context.Context, step *Step) ([]string, error) {
	switch step.parsed.verb {
	case "WATCH":
		return r.watch(ctx, step)
	case "EVENTS":
		return r.events(ctx, step)
	case "CLOSE":
		if w := r.watches[step.parsed.watch]; w != nil {
			w.close()
		}
		return nil, nil
	case "AWAIT":
		return r.await(ctx, step)
	case "SETTLE":
		return r.settle(ctx, step)
	default:
		got, err := r.client.do(ctx, step, r.values)
		if err != nil {
			return nil, err
		}
		return r.answered(step, got), nil
	}
}

func (r *run) answered(step *Step, got *answer) []string {
	lines, object := r.render.answer(got, step.parsed.show)
	if step.parsed.as != "" {
		r.values.captured[step.parsed.as] = object
	}
	return lines
}

func (r *run) watch(ctx context.Context, step *Step) ([]string, error) {
	w, refusal, err := r.client.openWatch(ctx, step, r.values)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return r.answered(step, refusal), nil
	}
	r.watches[step.parsed.watch] = w
	return []string{"200 watching"}, nil
}

func (r *run) events(ctx context.Context, step *Step) ([]string, error) {
	w := r.watches[step.parsed.watch]
	if w == nil {
		return []string{"none, as the watch was refused"}, nil
	}
	events, closed, err := w.wanted(ctx, step.parsed)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range events {
		lines = append(lines, r.render.event(e, step.parsed.show)...)
		if step.parsed.as != "" {
			r.values.captured[step.parsed.as] = e.Object
		}
	}
	if closed {
		lines = append(lines, "closed")
	}
	return lines, nil
}

// await repeats a request until its answer has the status that the step names.
// There is no event for what it waits for: that a kind is served, or no more.
func (r *run) await(ctx context.Context, step *Step) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.client.patience)
	defer cancel()
	ticker := time.NewTicker(awaitInterval)
	defer ticker.Stop()
	last := "none"
	for {
		got, err := r.client.do(ctx, step, r.values)
		if err == nil && got.status == step.parsed.status {
			return r.answered(step, got), nil
		}
		if err == nil {
			last = fmt.Sprint(got.status)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the status is not %d, but %s: %w", step.parsed.status, last, ctx.Err())
		case <-ticker.C:
		}
	}
}
