package fuzz

import (
	"context"
	"slices"
	"time"
)

// longestShrink is after which time a sequence is small enough.
const longestShrink = time.Minute

// Shrink makes a sequence smaller while the two servers still differ: first it drops steps, then
// parts of steps. It takes a minute at most: most of it is waiting for events that do not come.
func (p *Pair) Shrink(ctx context.Context, d *Divergence) *Divergence {
	ctx, cancel := context.WithTimeout(ctx, longestShrink)
	defer cancel()
	for size := len(d.Sequence) / 2; size > 0; {
		smaller := p.without(ctx, d, size)
		if smaller == nil {
			size /= 2
			continue
		}
		d, size = smaller, min(size, len(smaller.Sequence)/2)
	}
	for i := range d.Sequence {
		d = p.simplify(ctx, d, i)
	}
	return d
}

// without looks for steps, some at a time, that are not needed. The last ones go first, since
// earlier ones are what they build on.
func (p *Pair) without(ctx context.Context, d *Divergence, size int) (smaller *Divergence) {
	for end := len(d.Sequence); end >= size; end -= size {
		rest := slices.Delete(slices.Clone(d.Sequence), end-size, end)
		if len(rest) == 0 {
			continue
		}
		if found := p.still(ctx, rest, d); found != nil {
			d, smaller = found, found
		}
	}
	return smaller
}

// simplify makes one step as simple as it can be.
func (p *Pair) simplify(ctx context.Context, d *Divergence, i int) *Divergence {
	for again := true; again; {
		again = false
		for _, step := range simpler(d.Sequence[i]) {
			candidate := slices.Clone(d.Sequence)
			candidate[i] = step
			if found := p.still(ctx, candidate, d); found != nil {
				d, again = found, true
				break
			}
		}
	}
	return d
}

// still returns the divergence of a candidate, nil if it has none like that of d, or is no script
// any more.
func (p *Pair) still(ctx context.Context, s Sequence, d *Divergence) *Divergence {
	found, err := p.compare(ctx, s, d.Title, patience/10) // many wait for what does not come any more
	if err != nil || found == nil || found.signature() != d.signature() {
		return nil
	}
	return found
}
