// Command apidiff compares what a module exports with its last release. It is run by make apidiff, in CI,
// and before each release. See docs/compatibility.md for what may change.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	dir := flag.String("dir", ".", "the root of the module, in a git repository")
	base := flag.String("base", "", "the revision to compare with (default the last tag of the module)")
	flag.Parse()
	if err := run(*dir, *base); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints the changes since base. It returns an error if one of them is not allowed.
func run(dir, base string) error {
	if base == "" {
		base = lastRelease(dir)
	}
	if base == "" {
		fmt.Println("there is no release yet, and nothing to compare with")
		return nil
	}
	changes, err := since(dir, base)
	if err != nil {
		return fmt.Errorf("compare with %s: %w", base, err)
	}
	changelog, err := os.ReadFile(filepath.Join(dir, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	fmt.Printf("%d changes since %s\n", len(changes), base)
	refused := 0
	for _, c := range changes {
		verdict := judge(c, base, unreleased(string(changelog)))
		fmt.Printf("%s: %s\n", verdict, c.Message)
		if verdict != compatible && verdict != announced {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d changes are not allowed, see docs/compatibility.md", refused)
	}
	return nil
}

// since returns the changes between a revision and the files of now.
func since(dir, base string) (found []change, err error) {
	before, err := os.MkdirTemp("", "apidiff")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(before)
	tree := filepath.Join(before, "tree")
	if _, err := git(dir, "worktree", "add", "--quiet", "--detach", tree, base); err != nil {
		return nil, err
	}
	defer func() {
		if _, removed := git(dir, "worktree", "remove", "--force", tree); err == nil {
			err = removed
		}
	}()
	was, err := load(tree)
	if err != nil {
		return nil, err
	}
	is, err := load(dir)
	if err != nil {
		return nil, err
	}
	return compare(was, is), nil
}

// lastRelease returns the last tag of the module that the present commit has, or an empty string.
func lastRelease(dir string) string {
	tag, err := git(dir, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
	if err != nil {
		return "" // that there is none is an error for git
	}
	return tag
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(failed.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
