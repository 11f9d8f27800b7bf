package kuberator_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// programs returns the programs of a page: its declarations, with the imports at the top. Statements, which are
// indented, show a detail and are left out. A section with imports begins a program of its own, if what stands before
// it on the page has imports too.
func programs(page string) (all []string) {
	var imports, declarations string
	end := func() {
		if imports != "" {
			all = append(all, "package page\n\n"+imports+declarations)
		}
		imports, declarations = "", ""
	}
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	for section := range strings.SplitSeq(page, "\n## ") {
		if imports != "" && strings.Contains(section, "```go\nimport ") {
			end()
		}
		for _, match := range block.FindAllStringSubmatch(section, -1) {
			switch {
			case strings.HasPrefix(match[1], "import "):
				imports += match[1] + "\n"
			case !strings.HasPrefix(match[1], "\t"):
				declarations += match[1] + "\n"
			}
		}
	}
	end()
	return all
}

// TestProgramsOfHowTosCompile compiles what a reader has who copies the blocks of a page.
func TestProgramsOfHowTosCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("builds what the programs import a second time, without the race detector: minutes at first")
	}
	const folder = "docs/howto"
	pages, err := filepath.Glob(folder + "/*.md")
	require.NoError(t, err)
	root, err := os.Getwd()
	require.NoError(t, err)
	replaced := map[string]string{}
	args := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	for _, page := range pages {
		if filepath.Base(page) == "README.md" {
			continue // has the main function, which the programs are given to
		}
		found := programs(read(t, page))
		require.NotEmpty(t, found, "%s shows no imports", page)
		for i, program := range found {
			_, err := parser.ParseFile(token.NewFileSet(), page, program, parser.SkipObjectResolution)
			require.NoError(t, err, program)
			if strings.Contains(program, `"sigs.k8s.io/controller-runtime/`) {
				continue // is in another module
			}
			name := fmt.Sprintf("%s%d", strings.TrimSuffix(filepath.Base(page), ".md"), i)
			file := filepath.Join(t.TempDir(), "page.go")
			require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
			replaced[filepath.Join(root, folder, name, "page.go")] = file
			args = append(args, "./"+folder+"/"+name)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(args[2], overlay, 0o600))
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
