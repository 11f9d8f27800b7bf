package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// runner tests mutants and says what became of them.
type runner struct {
	module, lists string
	mutants       []mutant
	out           io.Writer
	keep, verbose bool
	parallel      int
	timeout       time.Duration
}

// result is what became of a mutant.
type result struct {
	passed bool // killed, by a test
	what   string
	by     string
	text   string
	took   time.Duration
}

// run returns an error unless all mutants were killed.
func (r *runner) run(ctx context.Context) error {
	var errs []error
	tests := catalogue{}
	for _, m := range r.mutants {
		errs = append(errs, tests.missing(m, r.module)...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	began := time.Now()
	packages, err := r.unmutated(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "without a mutant the tests of %d packages pass (%s)\n\n", packages, since(began))
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	if r.keep {
		fmt.Fprintf(r.out, "the mutated files are in %s\n\n", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	passed, err := r.all(ctx, dir)
	if err != nil {
		return err
	}
	failed := len(r.mutants) - passed
	fmt.Fprintf(r.out, "\n%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d mutants were not killed by a test", failed, len(r.mutants))
	}
	return nil
}

// unmutated runs all tests without a mutant: a test that fails anyway would kill
// everything, and one that does not run kills nothing.
func (r *runner) unmutated(ctx context.Context) (packages int, err error) {
	together := map[string]selection{}
	for _, m := range r.mutants {
		for _, s := range m.Tests {
			id := fmt.Sprint(s.Package, s.Env)
			all := together[id]
			all.Package, all.Env = s.Package, s.Env
			all.Run = strings.TrimPrefix(all.Run+"|"+s.Run, "|")
			together[id] = all
		}
	}
	for _, id := range slices.Sorted(maps.Keys(together)) {
		o, err := goTest(ctx, r.module, "", together[id], 10*r.timeout)
		switch {
		case err != nil:
			return 0, err
		case o.failed:
			return 0, fmt.Errorf("without a mutant %s fails in %s, and would kill all of them:\n%s", cmp.Or(o.by, "a test"), together[id].Package, o.text)
		case o.ran == 0:
			return 0, fmt.Errorf("no test of %s ran", together[id].Package)
		}
	}
	return len(together), nil
}

// all tests the mutants and prints the table, line by line as they end.
func (r *runner) all(ctx context.Context, dir string) (passed int, err error) {
	fmt.Fprintf(r.out, line, "RESULT", "TIME", "MUTANT", "GUARANTEE", "BY")
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(r.parallel, 1))
	for n, m := range r.mutants {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			res, err := r.test(ctx, m, filepath.Join(dir, fmt.Sprintf("%03d-%s", n, m.Name)))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			if res.passed {
				passed++
			}
			r.print(m, res)
		})
		if ctx.Err() != nil {
			break
		}
	}
	wg.Wait()
	return passed, errors.Join(errs...)
}

// test tests one mutant, in dir, which it makes.
func (r *runner) test(ctx context.Context, m mutant, dir string) (result, error) {
	began := time.Now()
	text, err := m.apply(r.module)
	if stale, ok := errors.AsType[errStale](err); ok {
		return result{what: "STALE", text: stale.Error() + "; repair " + m.list}, nil
	}
	overlay, err := r.overlay(m, text, dir)
	if err != nil {
		return result{}, err
	}
	for _, s := range m.Tests {
		o, err := goTest(ctx, r.module, overlay, s, r.timeout)
		if err != nil {
			return result{}, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		if o.failed {
			res := judge(o)
			res.took = time.Since(began)
			return res, nil
		}
	}
	return result{what: "SURVIVED", text: "in the field: " + m.Why, took: time.Since(began)}, nil
}

func judge(o outcome) result {
	switch {
	case !o.built:
		return result{what: "DOES NOT COMPILE", text: o.text}
	case o.timedOut:
		return result{passed: true, what: "killed by timeout", by: o.by, text: o.text}
	default:
		return result{passed: true, what: "killed", by: cmp.Or(o.by, "the end of the process"), text: o.text}
	}
}

// overlay writes the mutated file, and the JSON that makes the go command take it for
// the one in the module: the module itself is never written to, and what it does not
// change stays in the build cache.
func (r *runner) overlay(m mutant, text []byte, dir string) (string, error) {
	module, err := filepath.Abs(r.module)
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, filepath.Base(m.File))
	files := map[string]map[string]string{"Replace": {filepath.Join(module, m.File): mutated}}
	index, err := json.Marshal(files)
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, errors.Join(os.WriteFile(mutated, text, 0o600), os.WriteFile(overlay, index, 0o600))
}
