//go:build unix

package cluster_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/cluster"
)

// TestDirIsKept starts twice in one directory: objects, tokens and the certificate
// are still good.
func TestDirIsKept(t *testing.T) {
	options := &cluster.Options{Dir: filepath.Join(t.TempDir(), "data"), NoControllerManager: true}
	first, err := cluster.New(t.Context(), options)
	require.NoError(t, err)
	require.Nil(t, first.ControllerManager())
	namespace := createNamespace(t, clientFor(t, first.Config()), "kept")
	account, err := first.ServiceAccount(t.Context(), namespace, "operator")
	require.NoError(t, err)
	require.NoError(t, first.Stop())
	require.NoError(t, first.Stop(), "a second Stop is harmless")
	require.DirExists(t, options.Dir)

	second := cluster.Start(t, options)
	_, err = clientFor(t, second.Config()).CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	require.NoError(t, err)
	account.Host = second.Config().Host
	review, err := clientFor(t, account).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Contains(t, review.Status.UserInfo.Username, "operator")
}

func TestStopLeavesNothing(t *testing.T) {
	c, err := cluster.New(t.Context(), nil)
	require.NoError(t, err)
	client := clientFor(t, c.Config())
	// An open watch must not hold the end up.
	watch, err := client.CoreV1().ConfigMaps("").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer watch.Stop()
	processes := []*cluster.Process{c.Etcd(), c.APIServer(), c.ControllerManager()}
	var pids []int
	for _, process := range processes {
		pids = append(pids, process.PID())
	}

	begun := time.Now()
	require.NoError(t, c.Stop())
	t.Log("stopped in", time.Since(begun))
	require.Less(t, time.Since(begun), 8*time.Second, "no process had to be killed")

	for i, process := range processes {
		require.False(t, alive(pids[i]), process.Name())
		require.Zero(t, process.PID(), process.Name())
		require.NoError(t, process.Err(), process.Name())
		require.ErrorContains(t, process.Restart(t.Context()), "its control plane has been stopped")
	}
	require.NotEmpty(t, c.APIServer().Log(), "the log outlives the directory")
	require.NoDirExists(t, c.Dir())
	require.NoError(t, c.Err())
	address := strings.TrimPrefix(c.Config().Host, "https://")
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err, "the port is free again")
	require.NoError(t, listener.Close())
}

// TestFlagsReachTheServers uses a feature that is off by default, and a flag that
// the package sets too.
func TestFlagsReachTheServers(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.log")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600))
	c := cluster.Start(t, &cluster.Options{
		APIServerFlags:         []string{"--audit-log-path=" + audit, "--audit-policy-file=" + policy, "--service-cluster-ip-range=10.9.0.0/24"},
		ControllerManagerFlags: []string{"--controllers=namespace-controller"},
	})
	_, err := clientFor(t, c.Config()).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	service, err := clientFor(t, c.Config()).CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "addressed"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(service.Spec.ClusterIP, "10.9.0."), service.Spec.ClusterIP)
	content, err := os.ReadFile(audit)
	require.NoError(t, err)
	require.NotEmpty(t, bytes.TrimSpace(content))
}

func TestInvalidOptions(t *testing.T) {
	_, err := cluster.New(t.Context(), &cluster.Options{APIServerPort: 70000, Log: io.Discard})
	require.ErrorContains(t, err, "APIServerPort 70000 is not a port")
}
