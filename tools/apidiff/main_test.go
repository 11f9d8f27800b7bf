package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// project is a git repository with a module.
type project struct {
	t   *testing.T
	dir string
}

const (
	thing = "package thing\n\ntype Thing struct{ Size, Weight int }\n\nfunc (*Thing) Grow(by int) {}\n"
	gone  = "package thing\n\ntype Thing struct{ Weight int }\n\nfunc (*Thing) Grow(by int) {}\n" // Size
	empty = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\n### Changed\n\n- `thing.Thing.Size`\n"
	told  = "# Changelog\n\n## [Unreleased]\n\n### Removed\n\n- `thing.Thing.Size`: use `Weight`.\n\n## [0.1.0]\n"
)

func newProject(t *testing.T, tags ...string) *project {
	t.Helper()
	p := &project{t, t.TempDir()}
	p.git("init", "--quiet")
	p.write("go.mod", "module example.com/m\n\ngo 1.26\n")
	p.write("thing/thing.go", thing)
	p.write("internal/own/own.go", "package own\n\nfunc F() {}\n")
	p.write("test/conform/x.go", "package conform\n\nfunc F() {}\n")
	p.write("nested/go.mod", "module example.com/m/nested\n\ngo 1.26\n")
	p.write("nested/nested.go", "package nested\n\nfunc F() {}\n\nfunc G() {}\n")
	p.write("CHANGELOG.md", empty)
	p.commit(tags...)
	return p
}

func (p *project) git(args ...string) string {
	p.t.Helper()
	out, err := repo(p.dir).git(p.t.Context(), args...)
	require.NoError(p.t, err)
	return out
}

func (p *project) commit(tags ...string) {
	p.t.Helper()
	p.git("add", ".")
	p.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "next")
	for _, tag := range tags {
		p.git("tag", tag)
	}
}

func (p *project) write(path, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, path)
	require.NoError(p.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(p.t, os.WriteFile(file, []byte(text), 0o600))
}

// run returns what is printed, and the error.
func (p *project) run(base string) (string, error) {
	p.t.Helper()
	var out strings.Builder
	err := run(p.t.Context(), &out, p.dir, base)
	return out.String(), err
}

func TestCompatibility(t *testing.T) {
	for name, c := range map[string]struct{ tag, base, code, changelog, refused string }{
		"nothing":                 {tag: "v0.1.0", code: thing},
		"an addition":             {tag: "v1.0.0", code: thing + "\nfunc New() *Thing { return nil }\n"},
		"a field is removed":      {tag: "v0.1.0", code: gone, refused: "1 change not allowed"},
		"and that is told":        {tag: "v0.1.0", code: gone, changelog: told},
		"of a commit":             {tag: "v0.1.0", base: "HEAD", code: gone, changelog: told},
		"of a release candidate":  {tag: "v1.0.0-rc.1", code: gone, changelog: told},
		"of v1":                   {tag: "v1.2.0", code: gone, changelog: told, refused: "1 change not allowed"},
		"of a commit of v1":       {tag: "v1.2.0", base: "HEAD", code: gone, changelog: told, refused: "1 change not allowed"},
		"by the name of its type": {tag: "v0.1.0", code: gone, changelog: strings.Replace(told, ".Size", "", 1)},
		"in the commit of the release": {tag: "v0.1.0", code: gone,
			changelog: strings.Replace(told, "[Unreleased]", "[Unreleased]\n\n## [0.2.0] - 2026-02-02", 1)},
		"another one is told":   {tag: "v0.1.0", code: gone, changelog: strings.Replace(told, "thing.Thing", "other.Box", 1), refused: "1 change not allowed"},
		"a part of the name is": {tag: "v0.1.0", code: gone, changelog: strings.Replace(told, "thing.Thing.", "", 1), refused: "1 change not allowed"},
		"something is fixed":    {tag: "v0.1.0", code: gone, changelog: strings.Replace(told, "Removed", "Fixed", 1), refused: "1 change not allowed"},
		"of an older release":   {tag: "v0.2.0", code: gone, changelog: strings.Replace(told, "[Unreleased]", "[0.2.0]", 1), refused: "1 change not allowed"},
		"a method":              {tag: "v0.1.0", code: strings.Replace(thing, "int)", "int64)", 1), changelog: strings.Replace(told, "Size", "Grow", 1)},
		"it does not compile":   {tag: "v0.1.0", code: "package thing\n\ntype Thing struct{ Weight nothing }\n", refused: "undefined: nothing"},
		"no release":            {tag: "something", code: gone},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, c.tag)
			p.write("thing/thing.go", c.code)
			p.write("internal/own/own.go", "package own\n")   // which nobody was promised,
			p.write("test/conform/x.go", "package conform\n") // nor that
			p.write("go.work", "go 1.26\n\nuse ./nested\n")   // and that is nobody else's
			if c.changelog != "" {
				p.write("CHANGELOG.md", c.changelog)
			}
			out, err := p.run(c.base)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused, out)
			} else {
				require.NoError(t, err, out)
			}
			if !strings.Contains(c.tag, "v1.2") {
				require.NotContains(t, out, forbidden)
			}
			require.Len(t, strings.Split(p.git("worktree", "list"), "\n"), 1, "the repository is not touched")
		})
	}
}

func TestAPackageIsRemoved(t *testing.T) {
	p := newProject(t, "v0.1.0")
	require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "thing")))
	p.write("other/other.go", "package other\n")
	_, err := p.run("")
	require.ErrorContains(t, err, "1 change not allowed")
	p.write("CHANGELOG.md", strings.Replace(told, "thing.Thing.Size", "thing", 1))
	_, err = p.run("")
	require.NoError(t, err)
}

// A nested module is compared by its own tags.
func TestANestedModule(t *testing.T) {
	p := newProject(t, "v0.1.0", "nested/v0.3.0")
	p.write("nested/nested.go", "package nested\n\nfunc F() {}\n")
	out, err := p.run("")
	require.ErrorContains(t, err, "the module in nested: 1 change not allowed")
	require.Contains(t, out, "nested: 1 change since nested/v0.3.0")
	p.write("CHANGELOG.md", strings.Replace(told, "thing.Thing.Size", "nested.G", 1))
	_, err = p.run("")
	require.NoError(t, err)
}

// A module of another name is another module, but for the next major version, in which names may go.
func TestTheNameOfTheModule(t *testing.T) {
	p := newProject(t, "v1.0.0")
	p.write("go.mod", "module example.com/n\n\ngo 1.26\n")
	_, err := p.run("")
	require.ErrorContains(t, err, "1 change not allowed")
	p.write("go.mod", "module example.com/m/v2\n\ngo 1.26\n")
	p.write("thing/thing.go", gone)
	_, err = p.run("")
	require.ErrorContains(t, err, "1 change not allowed", "it must be told")
	p.write("CHANGELOG.md", told)
	_, err = p.run("")
	require.NoError(t, err)
}

// That git fails does not mean that there is no release.
func TestNoTags(t *testing.T) {
	p := newProject(t, "v0.1.0")
	p.write("x.go", "package m\n")
	p.commit()
	clone := filepath.Join(t.TempDir(), "clone")
	require.NoError(t, exec.CommandContext(t.Context(), "git", "clone", "--quiet", "--depth=1", "file://"+p.dir, clone).Run())
	_, err := (&project{t, clone}).run("")
	require.ErrorContains(t, err, "the clone is shallow")
	_, err = (&project{t, t.TempDir()}).run("")
	require.ErrorContains(t, err, "not a git repository")
	_, err = p.run("v0.9.0")
	require.Error(t, err, "no such revision")
}

// In a hook git has variables that name the index of the commit that is being made.
func TestInAHook(t *testing.T) {
	p := newProject(t, "v0.1.0")
	p.write("thing/thing.go", thing+"\nfunc G() {}\n")
	p.git("add", ".")
	t.Setenv("GIT_INDEX_FILE", filepath.Join(p.dir, ".git", "index"))
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "another"))
	_, err := p.run("")
	require.NoError(t, err)
	require.Equal(t, "thing/thing.go", p.git("diff", "--cached", "--name-only"), "what was staged")
}
