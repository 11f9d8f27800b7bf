package operator

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/metrics"
)

//go:embed manifests
var templates embed.FS

// installation is what the templates are filled in with.
type installation struct {
	Name, Namespace, LeaseNamespace, Image string
	CertDir                                string // where the certificate of the metrics is mounted
	Replicas                               int
	Args                                   []string
	Namespaces                             []string
	HealthPort, MetricsPort                int
	CRDs                                   bool
	Rules, LeaseRules, GuardRules          []rbacv1.PolicyRule
	Alerts, Dashboard                      string
}

// Manifests returns the files to install an operator, by their path: three folders for kubectl apply -k and
// kustomize. "base" has the operator with its rights, two replicas, probes, a PodDisruptionBudget and a
// NetworkPolicy, for a namespace with restricted Pod security; "monitoring" adds a ServiceMonitor, alerts and
// a dashboard; "uninstall" is a Job. args are flags, such as --namespaces, which the operator gets; what is in
// the environment has no effect. They are those of [Main], whose --manifests writes the files, for a program that
// writes them by itself, or compares them in a test with those in the repository. A nil o means the
// defaults.
//
// It needs no cluster: setup is called, and nothing that it makes is run.
//
// # Errors
//
// Those of wrong flags and of setup.
func Manifests(name string, args []string, setup Setup, o *Options) (map[string][]byte, error) {
	p, err := newProcess(name, append([]string{"--manifests=."}, args...), o, nil) // as a process that writes them
	if err != nil {
		return nil, err
	}
	return p.manifests(setup)
}

func (p *Process) writeManifests(setup Setup) error {
	files, err := p.manifests(setup)
	if err != nil {
		return err
	}
	for path, content := range files {
		path = filepath.Join(p.settings.manifests, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write manifests: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("write manifests: %w", err)
		}
	}
	fmt.Fprintf(p.out, "wrote %d files. Install it with: kubectl apply --server-side -k %s\n", len(files), filepath.Join(p.settings.manifests, "base"))
	return errDone
}

func (p *Process) manifests(setup Setup) (map[string][]byte, error) {
	if name := p.opts.Namespace; name == "default" || strings.HasPrefix(name, "kube-") {
		return nil, fmt.Errorf("manifests: the operator needs a namespace of its own, which %q is not: Options.Namespace", name)
	}
	err := p.connect(&rest.Config{})
	if err == nil {
		err = setup(p)
	}
	if err != nil {
		return nil, err
	}
	about, err := p.installation()
	if err != nil {
		return nil, err
	}
	files, err := fill(about)
	if err == nil && about.CRDs {
		files["base/crds.yaml"] = p.opts.CRDs
	}
	return files, err
}

// RequiredRules returns the rights that the operator needs: those of its controllers, of events, and
// Options.Rules. Those of the lease and of the guard of the metrics are not among them.
func (p *Process) RequiredRules() []rbacv1.PolicyRule {
	var all []rbacv1.PolicyRule
	for _, r := range slices.Concat(p.each, p.leads) {
		if r, ok := r.(interface{ RequiredRules() []rbacv1.PolicyRule }); ok {
			all = append(all, r.RequiredRules()...)
		}
	}
	return merged(slices.Concat(all, event.RequiredRules(), p.opts.Rules))
}

func (p *Process) installation() (*installation, error) {
	about := &installation{
		Name: p.names.Name, Namespace: p.opts.Namespace, LeaseNamespace: p.lease.Namespace, Image: p.opts.Image,
		CertDir: p.settings.metricsCert, Replicas: 1, Args: p.settings.given, Namespaces: p.Namespaces, CRDs: len(p.opts.CRDs) > 0, Rules: p.RequiredRules(),
	}
	if p.settings.leaderElect {
		about.Replicas, about.LeaseRules = 2, p.elector.RequiredRules()
	}
	var err error
	if about.HealthPort, err = port(p.settings.healthAddr); err == nil {
		about.MetricsPort, err = port(p.settings.metricsAddr)
	}
	if err != nil {
		return nil, err
	}
	if p.settings.metricsAddr != off && p.settings.metricsSecure {
		about.GuardRules = guardRules()
	}
	alerts, err := metrics.Files.ReadFile("alerts.yaml")
	if err != nil {
		return nil, err
	}
	dashboard, err := metrics.Files.ReadFile("dashboard.json")
	if err != nil {
		return nil, err
	}
	about.Alerts, about.Dashboard = indented(2, alerts), indented(4, dashboard)
	return about, nil
}

// port is that of an address to listen at; 0 if nothing listens, or nobody outside of the Pod can reach it.
func port(addr string) (int, error) {
	if addr == off {
		return 0, nil
	}
	host, name, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("manifests: %w", err)
	}
	if isLoopback(host) || host == "localhost" {
		return 0, nil
	}
	n, err := strconv.ParseUint(name, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("manifests: the port of the address %q must be a number", addr)
	}
	return int(n), nil
}

// fill fills in the templates.
func fill(about *installation) (map[string][]byte, error) {
	files := map[string][]byte{}
	functions := template.FuncMap{"rules": rulesText, "quote": strconv.Quote}
	err := fs.WalkDir(templates, "manifests", func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, "manifests/")
		if err != nil || entry.IsDir() || name == "base/service.yaml" && about.MetricsPort == 0 ||
			strings.HasPrefix(name, "monitoring/") && about.MetricsPort == 0 {
			return err
		}
		text, err := fs.ReadFile(templates, path)
		if err != nil {
			return err
		}
		filled, err := template.New(name).Funcs(functions).Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := filled.Execute(&out, about); err != nil {
			return err
		}
		files[name] = out.Bytes()
		return nil
	})
	return files, err
}

// rulesText writes rules as people do.
func rulesText(rules []rbacv1.PolicyRule) string {
	var lines []string
	for _, rule := range rules {
		begin := "- "
		for _, part := range []struct {
			name string
			list []string
		}{
			{"apiGroups", rule.APIGroups}, {"resources", rule.Resources}, {"resourceNames", rule.ResourceNames},
			{"nonResourceURLs", rule.NonResourceURLs}, {"verbs", rule.Verbs},
		} {
			if len(part.list) > 0 {
				lines = append(lines, begin+part.name+": ["+strings.Join(quoted(part.list), ", ")+"]")
				begin = "  "
			}
		}
	}
	return strings.Join(lines, "\n")
}

var plain = regexp.MustCompile(`^[a-z/][a-z0-9./-]+$`)

// quoted quotes what YAML could take for something else than a text.
func quoted(list []string) (all []string) {
	for _, text := range list {
		if !plain.MatchString(text) || slices.Contains([]string{"yes", "no", "on", "off", "true", "false", "null"}, text) {
			text = strconv.Quote(text)
		}
		all = append(all, text)
	}
	return all
}

// indented moves text to the right, but not its empty lines.
func indented(by int, text []byte) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimSpace(string(text))) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(strings.Repeat(" ", by))
		}
		out.WriteString(line)
	}
	return out.String()
}
