package kuberator_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// TestWorkflowsDoWhatCIDoes compares the workflows with the target ci of the Makefile.
func TestWorkflowsDoWhatCIDoes(t *testing.T) {
	makefile := read(t, "Makefile")
	called := map[string][]string{}
	for _, file := range []string{"ci", "nightly"} {
		var workflow struct {
			Jobs map[string]struct {
				Strategy struct{ Matrix struct{ Target []string } }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, ".github/workflows/"+file+".yml")), &workflow))
		for _, job := range workflow.Jobs {
			for _, line := range job.Strategy.Matrix.Target {
				for word := range strings.FieldsSeq(line) {
					if !strings.Contains(word, "=") {
						called[file] = append(called[file], word)
						require.Contains(t, makefile, "\n"+word+":", "a target that %s.yml calls", file)
					}
				}
			}
		}
	}
	ci := regexp.MustCompile(`(?m)^ci: ([a-z -]+?) ##`).FindStringSubmatch(makefile)
	require.NotNil(t, ci)
	require.ElementsMatch(t, append(strings.Fields(ci[1]), "run"), called["ci"])
	require.NotEmpty(t, called["nightly"])
}

// TestEveryModuleIsKeptUpToDate by Dependabot.
func TestEveryModuleIsKeptUpToDate(t *testing.T) {
	var modules []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "testdata" {
			return filepath.SkipDir
		}
		if entry.Name() == "go.mod" {
			modules = append(modules, strings.TrimSuffix("/"+filepath.ToSlash(filepath.Dir(path)), "/."))
		}
		return err
	})
	require.NoError(t, err)
	var config struct {
		Updates []struct{ Directories []string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &config))
	modules[slices.Index(modules, "")] = "/"
	require.ElementsMatch(t, modules, config.Updates[0].Directories)
}

// TestFormsCanBeRead keeps the issue forms from being ignored.
func TestFormsCanBeRead(t *testing.T) {
	forms, err := filepath.Glob(".github/ISSUE_TEMPLATE/*.yml")
	require.NoError(t, err)
	require.Len(t, forms, 3)
	for _, form := range forms {
		var fields map[string]any
		require.NoError(t, yaml.UnmarshalStrict([]byte(read(t, form)), &fields), form)
		require.True(t, fields["body"] != nil || fields["contact_links"] != nil, form)
	}
}

// TestVersionsAreThoseOfTheModules keeps the table of docs/compatibility.md true.
func TestVersionsAreThoseOfTheModules(t *testing.T) {
	table := read(t, "docs/compatibility.md")
	for _, c := range []struct{ file, version, row string }{
		{"go.mod", `(?m)^go (\d+\.\d+)`, "| Go | "},
		{"go.mod", `k8s.io/client-go (v\d+\.\d+)`, "| client-go, `k8s.io/api`, `k8s.io/apimachinery` | "},
		{"test/controlplane/go.mod", `k8s.io/kubernetes v(\d+\.\d+)`, "| API server | "},
		{"controllerruntime/go.mod", `sigs.k8s.io/controller-runtime (v\d+\.\d+)`, "| controller-runtime, in modules of their own | "},
		{"test/controllerruntime/go.mod", `sigs.k8s.io/controller-runtime (v\d+\.\d+)`, "| controller-runtime, in modules of their own | "},
	} {
		found := regexp.MustCompile(c.version).FindStringSubmatch(read(t, c.file))
		require.NotNil(t, found, c.version)
		require.Contains(t, table, c.row+found[1], "the version in %s", c.file)
	}
}
