package kubectl_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	readme = "../README.md"
	begin  = "<!-- the table of kubectl: go test ./test/sim/kubectl -run TestReadme -record -->\n"
	end    = "<!-- the end of the table of kubectl -->\n"
)

// TestReadme shows that the README has the commands of the scripts. With -record it makes it so.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile(readme)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(data), begin)
	require.True(t, found)
	is, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := table(load(t))
	if *record {
		require.NoError(t, os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, is)
}

// table shows the commands of all scripts, in Markdown.
func table(all []*script) string {
	var out strings.Builder
	fmt.Fprintln(&out, "| script | what it is about | commands |\n|---|---|---|")
	for _, s := range all {
		title := s.title
		if why := differing[s.name]; why != "" {
			title += " *Here the simulator differs: " + why + ".*"
		}
		fmt.Fprintf(&out, "| [%s](kubectl/testdata/scripts/%s.txt) | %s | %s |\n", s.name, s.name, title, strings.Join(s.commands(), ", "))
	}
	return out.String()
}

// withSubcommands are the commands of kubectl that have commands of their own.
var withSubcommands = []string{"auth", "rollout", "set"}

// commands are what a script runs of kubectl, each once, with its flags in any order of use.
func (s *script) commands() (out []string) {
	var names []string
	flags := map[string][]string{}
	for _, st := range s.steps {
		_, rest, found := strings.Cut(st.line, "kubectl ")
		if !found {
			continue
		}
		line, _, _ := strings.Cut(rest, " |")
		words := strings.Fields(line)
		name := words[0]
		if slices.Contains(withSubcommands, name) {
			name += " " + words[1]
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		for i, word := range words {
			flag, _, _ := strings.Cut(word, "=")
			if word == "-o" {
				flag = "-o " + strings.SplitN(words[i+1], "=", 2)[0]
			}
			if strings.HasPrefix(flag, "-") && flag != "-f" && flag != "--" && !slices.Contains(flags[name], flag) {
				flags[name] = append(flags[name], flag)
			}
		}
	}
	for _, name := range names {
		text := "`" + name + "`"
		if len(flags[name]) > 0 {
			text += " (`" + strings.Join(flags[name], "`, `") + "`)"
		}
		out = append(out, text)
	}
	return out
}
