package conform

import (
	"context"
	"slices"
	"time"
)

// settleInterval is how long SETTLE waits between two looks.
const settleInterval = 100 * time.Millisecond

// settle repeats a GET until its answer has been the same for a while. In a script that has the
// answer already, it waits for that one, as long as it has patience, and shows what it sees then; if it
// was in vain, the next ones of the script do not wait.
func (r *run) settle(ctx context.Context, step *Step) ([]string, error) {
	begin := time.Now()
	var lines []string
	for since := begin; ; {
		got, err := r.client.do(ctx, step, r.values)
		if err != nil {
			return nil, err
		}
		was := lines
		lines = r.answered(step, got)
		now := time.Now()
		if !slices.Equal(lines, was) {
			since = now
		}
		fits := len(step.Answer) == 0 || slices.Equal(r.render.numbers.resolve(lines), step.Answer)
		if fits && now.Sub(since) >= r.quiet {
			return lines, nil
		}
		if r.vain || now.Sub(begin) >= r.client.patience {
			r.vain = true
			return lines, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settleInterval):
		}
	}
}
