package tutorial_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the steps, instead of comparing them with what the pages say")

// The reader's module, and the packages that hold the same code here.
const (
	module   = "example.com/website/"
	packages = "github.com/kuberator/kuberator/example/tutorial/step"
)

// TestThePagesMakeTheSteps follows the pages as far as they are about files, and compares what there is after each
// page with its step.
func TestThePagesMakeTheSteps(t *testing.T) {
	files := map[string]string{}
	for i, page := range pages(t) {
		if i == 5 {
			clear(files) // the last page writes no code, so its step has only what is new
		}
		for _, p := range page {
			if p.file != "" {
				change(t, files, p)
			}
		}
		step := fmt.Sprint("step", i+1)
		for path, text := range files {
			compare(t, filepath.Join(step, path), strings.ReplaceAll(text, module, packages+fmt.Sprint(i+1)+"/"))
		}
		for _, path := range tree(t, step) {
			require.True(t, generated(path) || files[path] != "" || path == "rights_test.go", "no page has written %s/%s", step, path)
		}
	}
}

// change does what a page says about a file.
func change(t *testing.T, files map[string]string, p *piece) {
	t.Helper()
	if p.decl == "" {
		files[p.file] = p.text
		return
	}
	text := files[p.file]
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, p.file, text, parser.ParseComments)
	require.NoError(t, err, p.where)
	for _, decl := range parsed.Decls {
		if name, doc := declared(decl); name == p.decl {
			begin := set.Position(decl.Pos()).Offset
			if doc != nil {
				begin = set.Position(doc.Pos()).Offset
			}
			files[p.file] = text[:begin] + strings.TrimSuffix(p.text, "\n") + text[set.Position(decl.End()).Offset:]
			return
		}
	}
	require.Fail(t, "there is no such declaration", "%s: %s in %s", p.where, p.decl, p.file)
}

// declared returns the name of a function or a type, and its comment.
func declared(decl ast.Decl) (string, *ast.CommentGroup) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Name.Name, d.Doc
	case *ast.GenDecl:
		if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
			return spec.Name.Name, d.Doc
		}
	}
	return "", nil
}

// byCommand are the files that no reader writes.
var byCommand = regexp.MustCompile(`^config/|/zz_generated[^/]*$`)

func generated(path string) bool { return byCommand.MatchString(path) }

// compare finds the text in a file of a step, or writes it there.
func compare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
		return
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "%s is not what the pages make; go test ./example/tutorial -update writes it", path)
}

// tree returns the paths of the files in a folder.
func tree(t *testing.T, root string) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(root, path)
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	}))
	return paths
}
