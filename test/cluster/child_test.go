//go:build unix

package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
)

// childVariable makes this test program start a cluster and wait to be killed.
const childVariable = "CLUSTER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(runChild())
	}
	os.Exit(m.Run())
}

func runChild() int {
	c, err := cluster.New(context.Background(), nil)
	if err == nil {
		err = c.ControllerManager().Pause()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.Etcd().PID(), c.APIServer().PID(), c.ControllerManager().PID())
	<-c.Done()
	return 1
}

// child is this program, started once more.
type child struct {
	command *exec.Cmd
	pids    []int
}

// startChild returns when the child's cluster is ready.
func startChild(t *testing.T, temporary string) *child {
	t.Helper()
	c := &child{command: exec.CommandContext(t.Context(), os.Args[0]), pids: make([]int, 3)}
	c.command.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+temporary)
	c.command.Stderr = os.Stderr
	output, err := c.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.command.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	_, err = fmt.Sscan(line, &c.pids[0], &c.pids[1], &c.pids[2])
	require.NoError(t, err)
	return c
}

// kill ends the child as with SIGKILL, which it cannot notice.
func (c *child) kill() error {
	if err := c.command.Process.Kill(); err != nil {
		return err
	}
	_, err := c.command.Process.Wait()
	return err
}
