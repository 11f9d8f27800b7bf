//go:build unix

package cluster_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/test/cluster"
)

// patience is how long a test polls a real process before it gives up.
const patience = 30 * time.Second

// eventually polls a real process: there is no virtual time outside this one.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !check() {
		select {
		case <-ctx.Done():
			require.Fail(t, "not within "+patience.String(), what)
		case <-ticker.C:
		}
	}
}

func clientFor(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return client
}

func createNamespace(t *testing.T, client kubernetes.Interface, prefix string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}
	created, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	require.NoError(t, err)
	return created.Name
}

// TestCluster holds what can share one cluster: its subtests leave the processes
// alone.
func TestCluster(t *testing.T) {
	c := cluster.Start(t, nil)

	t.Run("answers", func(t *testing.T) { testAnswers(t, c) })
	t.Run("deletes namespaces", func(t *testing.T) { testDeletesNamespaces(t, c) })
	t.Run("collects garbage", func(t *testing.T) { testCollectsGarbage(t, c) })
	t.Run("service account", func(t *testing.T) { testServiceAccount(t, c) })
	t.Run("service account without a namespace", func(t *testing.T) { testServiceAccountWithoutNamespace(t, c) })
	t.Run("kubeconfig", func(t *testing.T) { testKubeconfig(t, c) })
	t.Run("verifies TLS", func(t *testing.T) { testVerifiesTLS(t, c) })
	t.Run("CRD", func(t *testing.T) { testInstallCRDs(t, c) })
	t.Run("CRD errors", func(t *testing.T) { testInstallCRDErrors(t, c) })
	t.Run("apply", func(t *testing.T) { testApplyYAML(t, c) })
	t.Run("apply errors", func(t *testing.T) { testApplyYAMLErrors(t, c) })
	t.Run("directory in use", func(t *testing.T) { testDirectoryInUse(t, c) })
	t.Run("port taken", func(t *testing.T) { testPortTaken(t, c) })
}

func testAnswers(t *testing.T, c *cluster.Cluster) {
	version, err := clientFor(t, c.Config()).Discovery().ServerVersion()
	require.NoError(t, err)
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		require.Equal(t, "v1.36.3", version.GitVersion)
	}
	require.NoError(t, c.Err())
	for _, process := range []*cluster.Process{c.Etcd(), c.APIServer(), c.ControllerManager()} {
		require.NoError(t, process.Err(), process.Name())
		require.True(t, alive(process.PID()), process.Name())
	}
	require.NotEmpty(t, c.APIServer().Log())

	config := c.Config()
	config.Host = "changed"
	require.NotEqual(t, "changed", c.Config().Host, "Config returns a copy")
}

func testDeletesNamespaces(t *testing.T, c *cluster.Cluster) {
	client := clientFor(t, c.Config())
	namespace := createNamespace(t, client, "doomed")
	_, err := client.CoreV1().ConfigMaps(namespace).Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "inside"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}))
	eventually(t, "the namespace is gone", func() bool {
		_, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func testCollectsGarbage(t *testing.T, c *cluster.Cluster) {
	configMaps := clientFor(t, c.Config()).CoreV1().ConfigMaps("default")
	owner, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	dependent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "dependent", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID},
	}}}
	_, err = configMaps.Create(t.Context(), dependent, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, configMaps.Delete(t.Context(), owner.Name, metav1.DeleteOptions{}))
	eventually(t, "the dependent is gone", func() bool {
		_, err := configMaps.Get(t.Context(), dependent.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func testServiceAccount(t *testing.T, c *cluster.Cluster) {
	namespace := createNamespace(t, clientFor(t, c.Config()), "account")
	config, err := c.ServiceAccount(t.Context(), namespace, "operator")
	require.NoError(t, err)
	again, err := c.ServiceAccount(t.Context(), namespace, "operator")
	require.NoError(t, err, "an account that exists is used")
	require.Equal(t, config.Host, again.Host)
	client := clientFor(t, config)

	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "system:serviceaccount:"+namespace+":operator", review.Status.UserInfo.Username)

	_, err = client.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "without RBAC: %v", err)

	require.NoError(t, cluster.ApplyYAML(t.Context(), c.Config(), []byte(strings.ReplaceAll(reader, "NAMESPACE", namespace))))
	eventually(t, "the role takes effect", func() bool {
		_, err = client.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
		return err == nil
	})
	_, err = client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "what the role does not grant: %v", err)
}

func testServiceAccountWithoutNamespace(t *testing.T, c *cluster.Cluster) {
	_, err := c.ServiceAccount(t.Context(), "nowhere", "operator")
	require.True(t, apierrors.IsNotFound(err), "%v", err)
	require.ErrorContains(t, err, `service account nowhere/operator: creating it: namespaces "nowhere" not found`)
}

func testKubeconfig(t *testing.T, c *cluster.Cluster) {
	admin, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	require.NoError(t, err)
	_, err = clientFor(t, admin).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)

	account, err := c.ServiceAccount(t.Context(), "default", "kubectl")
	require.NoError(t, err)
	path, err := c.KubeconfigFor(account, "account")
	require.NoError(t, err)
	config, err := clientcmd.BuildConfigFromFlags("", path)
	require.NoError(t, err)
	_, err = clientFor(t, config).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)

	_, err = c.KubeconfigFor(account, "../outside")
	require.ErrorContains(t, err, `"../outside" is not a plain file name`)
}

func testVerifiesTLS(t *testing.T, c *cluster.Cluster) {
	config := c.Config()
	require.False(t, config.Insecure)
	config.CAData = nil
	_, err := clientFor(t, config).Discovery().ServerVersion()
	require.ErrorContains(t, err, "certificate")
}

func testDirectoryInUse(t *testing.T, c *cluster.Cluster) {
	_, err := cluster.New(t.Context(), &cluster.Options{Dir: c.Dir()})
	require.ErrorContains(t, err, "data directory "+c.Dir()+" is in use by another control plane")
}

func testPortTaken(t *testing.T, _ *cluster.Cluster) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = cluster.New(t.Context(), &cluster.Options{APIServerPort: port})
	require.ErrorContains(t, err, "port "+strconv.Itoa(port)+" of 127.0.0.1 is taken")
}

// ready asks the API server, with a time limit so that a hanging one is noticed.
func ready(t *testing.T, config *rest.Config, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	result := clientFor(t, config).Discovery().RESTClient().Verb(http.MethodGet).AbsPath("/readyz").Do(ctx)
	return result.Error()
}
