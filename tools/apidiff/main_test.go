package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is a git repository with a module, released as v0.1.0.
type module struct {
	t   *testing.T
	dir string
}

const thing = `package thing

type Thing struct{ Size, Weight int }

func (*Thing) Grow(by int) {}
`

func newModule(t *testing.T, tag string) *module {
	t.Helper()
	m := &module{t, t.TempDir()}
	m.write("go.mod", "module example.com/m\n\ngo 1.26\n")
	m.write("thing/thing.go", thing)
	m.write("internal/own/own.go", "package own\n\nfunc F() {}\n")
	m.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\n- `Thing.Size`\n")
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first"}, {"tag", tag},
	} {
		_, err := git(m.dir, args...)
		require.NoError(t, err)
	}
	return m
}

func (m *module) write(path, text string) {
	m.t.Helper()
	file := filepath.Join(m.dir, path)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(m.t, os.WriteFile(file, []byte(text), 0o600))
}

func TestCompatibility(t *testing.T) {
	const unreleased = "# Changelog\n\n## [Unreleased]\n\n- `thing.Thing.Size` is gone.\n\n## [0.1.0]\n"
	for name, c := range map[string]struct {
		tag, code, changelog string
		refused              string
	}{
		"nothing":                 {tag: "v0.1.0", code: thing},
		"an addition":             {tag: "v1.0.0", code: thing + "\nfunc New() *Thing { return nil }\n"},
		"a field is removed":      {tag: "v0.1.0", code: "package thing\n\ntype Thing struct{ Weight int }\n\nfunc (*Thing) Grow(by int) {}\n", refused: "1 changes are not allowed"},
		"and that is told":        {tag: "v0.1.0", code: "package thing\n\ntype Thing struct{ Weight int }\n\nfunc (*Thing) Grow(by int) {}\n", changelog: unreleased},
		"and that is told, of v1": {tag: "v1.2.0", code: "package thing\n\ntype Thing struct{ Weight int }\n\nfunc (*Thing) Grow(by int) {}\n", changelog: unreleased, refused: "1 changes are not allowed"},
		"something else is told":  {tag: "v0.1.0", code: "package thing\n\ntype Thing struct{ Size, Weight int }\n\nfunc (*Thing) Grow(by int64) {}\n", changelog: unreleased, refused: "1 changes are not allowed"},
		"it does not compile":     {tag: "v0.1.0", code: "package thing\n\ntype Thing struct{ Weight nothing }\n", refused: "undefined: nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModule(t, c.tag)
			m.write("thing/thing.go", c.code)
			m.write("internal/own/own.go", "package own\n") // which nobody was promised
			if c.changelog != "" {
				m.write("CHANGELOG.md", c.changelog)
			}
			err := run(m.dir, "")
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
			} else {
				require.NoError(t, err)
			}
			left, err := git(m.dir, "worktree", "list")
			require.NoError(t, err)
			require.NotContains(t, left, "apidiff", "no worktree is left behind")
		})
	}
}

func TestAPackageIsRemoved(t *testing.T) {
	m := newModule(t, "v0.1.0")
	require.NoError(t, os.RemoveAll(filepath.Join(m.dir, "thing")))
	m.write("other/other.go", "package other\n")
	require.ErrorContains(t, run(m.dir, ""), "1 changes are not allowed")
	m.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- Package `thing` is gone.\n")
	require.NoError(t, run(m.dir, ""))
}

func TestNoRelease(t *testing.T) {
	m := newModule(t, "something")
	require.NoError(t, run(m.dir, ""))
	require.NoError(t, run(m.dir, "something"), "nothing has changed")
}
