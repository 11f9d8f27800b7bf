package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// repo is the root of a git repository.
type repo string

func open(ctx context.Context, dir string) (repo, error) {
	root, err := repo(dir).git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	r := repo(root)
	shallow, err := r.git(ctx, "rev-parse", "--is-shallow-repository")
	if err == nil && shallow == "true" {
		err = errors.New("the clone is shallow, and its tags may be missing: git fetch --unshallow --tags")
	}
	return r, err
}

// release returns the last version, such as v0.1.0, of the module in a folder that a revision has, or an empty string.
func (r repo) release(ctx context.Context, folder, revision string) (string, error) {
	prefix := tag(folder, "")
	tags, err := r.git(ctx, "tag", "--list", "--merged", revision, prefix+"v[0-9]*")
	if err != nil {
		return "", err
	}
	last := ""
	for name := range strings.FieldsSeq(tags) {
		if version := strings.TrimPrefix(name, prefix); semver.IsValid(version) && semver.Compare(version, last) > 0 {
			last = version
		}
	}
	return last, nil
}

// tag returns the tag of a version of the module in a folder.
func tag(folder, version string) string {
	if folder == "." {
		return version
	}
	return folder + "/" + version
}

// modules returns the folders of the modules that are under the promise of compatibility, of which "." is the first.
func (r repo) modules(ctx context.Context) ([]string, error) {
	files, err := r.git(ctx, "ls-files", "go.mod", "*/go.mod")
	if err != nil {
		return nil, err
	}
	var folders []string
	for file := range strings.FieldsSeq(files) {
		if folder := filepath.Dir(file); !unpromised.MatchString("/" + folder) {
			folders = append(folders, folder)
		}
	}
	slices.Sort(folders)
	return folders, nil
}

// extract writes the files of a revision to a folder. The repository is not touched, as a worktree would.
func (r repo) extract(ctx context.Context, revision, to string) error {
	file := filepath.Join(to, "files.tar")
	if _, err := r.git(ctx, "archive", "--format=tar", "--output="+file, revision); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", file, "-C", to).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	return os.Remove(file)
}

func (r repo) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", string(r)}, args...)...)
	// A hook has variables that name another index, or another repository.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GIT_") })
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(failed.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
