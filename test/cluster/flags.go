package cluster

import "fmt"

// controllers are the ones an operator's tests notice: without them namespaces
// stay, dependents are not collected, and Deployments do nothing.
const controllers = "garbage-collector-controller,namespace-controller,deployment-controller,replicaset-controller"

// issuer is the name under which the API server gives out service account tokens.
const issuer = "https://kubernetes.default.svc"

func etcdFlags(d *directory, p ports) []string {
	client, peer := etcdURL(p.etcdClient), etcdURL(p.etcdPeer)
	return []string{
		"--name=default",
		"--data-dir=" + d.join("etcd"),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		// The data need not survive a crash of the machine, only of the process.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func apiServerFlags(c *credentials, p ports) []string {
	return []string{
		"--etcd-servers=" + etcdURL(p.etcdClient),
		"--bind-address=127.0.0.1",
		// Without this the server looks for a network interface that is not loopback.
		"--advertise-address=127.0.0.1",
		// A loopback address is no valid endpoint of the kubernetes service, so the
		// server must not try to keep that service right.
		"--endpoint-reconciler-type=none",
		fmt.Sprintf("--secure-port=%d", p.apiServer),
		"--tls-cert-file=" + c.certificateFile,
		"--tls-private-key-file=" + c.keyFile,
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + c.serviceAccountKeyFile,
		"--service-account-signing-key-file=" + c.serviceAccountKeyFile,
		"--token-auth-file=" + c.tokenFile,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.0.0.0/24",
		// Nothing makes the default service accounts which it would wait for.
		"--disable-admission-plugins=ServiceAccount",
		// Without this a server that is told to stop waits a minute for its watches.
		"--shutdown-watch-termination-grace-period=1s",
	}
}

func managerFlags(c *credentials, p ports, kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--use-service-account-credentials=false",
		"--controllers=" + controllers,
		// The port is there to see that the process is healthy.
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", p.manager),
		"--tls-cert-file=" + c.certificateFile,
		"--tls-private-key-file=" + c.keyFile,
		// The defaults of 20 and 30 spare a shared server; here they would make the
		// deletion of a thousand dependents take a minute.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

func etcdURL(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

func secureURL(port int) string { return fmt.Sprintf("https://127.0.0.1:%d", port) }
