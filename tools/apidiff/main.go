// Command apidiff compares what the modules of a repository export with their last releases. It is run by make
// apidiff, in CI, and before each release. See docs/compatibility.md for what may change, and for what it does not see.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/module"
)

func main() {
	dir := flag.String("dir", ".", "a folder of a git repository")
	base := flag.String("base", "", "the revision to compare with (default, for each module, its last tag)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, *dir, *base)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints the changes since base. It returns an error if one of them is not allowed.
func run(ctx context.Context, out io.Writer, dir, base string) error {
	r, err := open(ctx, dir)
	if err != nil {
		return err
	}
	changelog, err := os.ReadFile(filepath.Join(string(r), "CHANGELOG.md"))
	if err != nil {
		return err
	}
	folders, err := r.modules(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, folder := range folders {
		if err := r.look(ctx, out, folder, base, string(changelog)); err != nil {
			errs = append(errs, fmt.Errorf("the module in %s: %w", folder, err))
		}
	}
	return errors.Join(errs...)
}

// look prints the changes of a module.
func (r repo) look(ctx context.Context, out io.Writer, folder, base, changelog string) error {
	of := base
	if base == "" {
		of = "HEAD"
	}
	version, err := r.release(ctx, folder, of)
	if err != nil {
		return err
	}
	if base == "" && version == "" {
		fmt.Fprintf(out, "%s: there is no release yet, and nothing to compare with\n", folder)
		return nil
	}
	if base == "" {
		base = tag(folder, version)
	}
	m, err := r.since(ctx, folder, base)
	if err != nil {
		return fmt.Errorf("compare with %s: %w", base, err)
	}
	fmt.Fprintf(out, "%s: %s since %s\n", folder, count(len(m.changes)), base)
	told, refused := news(changelog, version), 0
	for _, c := range m.changes {
		verdict := judge(c, version, m, told)
		fmt.Fprintf(out, "%s: %s\n", verdict, c.Message)
		if verdict != compatible && verdict != announced {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Errorf("%s not allowed, see docs/compatibility.md", count(refused))
	}
	return nil
}

func count(n int) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprint(n, " changes")
}

// since returns the changes of a module between a revision and the files of now.
func (r repo) since(ctx context.Context, folder, base string) (compared, error) {
	before, err := os.MkdirTemp("", "apidiff")
	if err != nil {
		return compared{}, err
	}
	defer os.RemoveAll(before)
	if err := r.extract(ctx, base, before); err != nil {
		return compared{}, err
	}
	if _, err := os.Stat(filepath.Join(before, folder, "go.mod")); errors.Is(err, os.ErrNotExist) {
		return compared{}, nil // it was no module then, and what it was is another module's affair
	}
	was, err := load(ctx, filepath.Join(before, folder))
	if err != nil {
		return compared{}, err
	}
	is, err := load(ctx, filepath.Join(string(r), folder))
	if err != nil {
		return compared{}, err
	}
	prefix, _, _ := module.SplitPathVersion(is.Path)
	return compared{compare(was, is), nextMajor(was.Path, is.Path), path.Base(prefix)}, nil
}
