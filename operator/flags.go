package operator

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
)

// settings are what the flags say.
type settings struct {
	workers       int
	namespaces    []string
	leaderElect   bool
	leaseIn       string
	lease         time.Duration
	metricsAddr   string
	metricsSecure bool
	metricsCert   string
	healthAddr    string
	logLevel      string
	level         zapcore.Level // which that is
	logFormat     string
	kubeconfig    string
	uninstall     bool
	manifests     string
	version       bool

	given []string // what was given as flags, and is of the operator's work
}

// errDone means that what was asked for is done, and the process has nothing to run.
var errDone = errors.New("done")

// off is the address of what is not to be served.
const off = "0"

// parse reads the flags, and the environment for those that are not given.
func parse(n names, opts Options, args []string, out io.Writer) (*settings, error) {
	s := &settings{}
	flags := pflag.NewFlagSet(n.Name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is told once, by the caller
	s.declare(flags, opts)
	if opts.Flags != nil {
		flags.AddGoFlagSet(opts.Flags)
	}
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		help(out, n, opts, flags)
		return nil, errDone
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("there are flags only, and no argument like %q", flags.Arg(0))
	}
	if err == nil {
		s.given = given(flags)
		if s.manifests == "" { // else they would not fit the flags that they have
			err = fromEnvironment(n, flags)
		}
	}
	if err == nil {
		err = errors.Join(s.watched(flags), s.validate())
		if f := flags.Lookup("manifests"); err == nil && f.Changed && s.manifests == "" {
			err = errors.New("--manifests is empty, it must be a directory")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w; --help lists the flags", err)
	}
	if s.version {
		fmt.Fprintln(out, n.Name, version())
		return nil, errDone
	}
	return s, nil
}

func (s *settings) declare(flags *pflag.FlagSet, opts Options) {
	flags.SortFlags = false
	flags.IntVar(&s.workers, "workers", 0, "`number` of objects of a kind that are worked on at the same time; 0 is what the operator finds right")
	if !opts.ClusterWide {
		flags.StringSliceVar(&s.namespaces, "namespaces", nil, "`names` of the namespaces to work in, separated by commas; the default is all")
	}
	flags.BoolVar(&s.leaderElect, "leader-elect", true, "let only one of several replicas work at a time, by a Lease")
	flags.StringVar(&s.leaseIn, "leader-elect-namespace", "", "`namespace` of the Lease; the default is that of the Pod, and outside of one "+opts.Namespace)
	flags.DurationVar(&s.lease, "leader-elect-lease-duration", 15*time.Second, "how long others wait before they take over from a replica that was killed; whole seconds, at least 6s")
	flags.StringVar(&s.healthAddr, "health-addr", ":8081", "`address` of the probes, /readyz and /livez, and of /debug/controllers for requests from the same Pod or machine; 0 for not at all")
	flags.StringVar(&s.metricsAddr, "metrics-addr", ":8443", "`address` of /metrics and /debug/controllers; 0 for not at all")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true, "serve --metrics-addr over TLS, and only to those whom the API server lets get the path")
	flags.StringVar(&s.metricsCert, "metrics-cert-dir", "", "`directory` with tls.crt and tls.key for --metrics-addr, which are read again when they change; the default is a new self-signed certificate")
	flags.StringVar(&s.logLevel, "log-level", "info", "`level` of the log: debug, info, warn or error; debug has a record for each attempt")
	flags.StringVar(&s.logFormat, "log-format", "json", "`format` of the log: json or text")
	flags.StringVar(&s.kubeconfig, "kubeconfig", "", "`path` of a kubeconfig; the default is $KUBECONFIG, the usual file, or the Pod's service account")
	flags.BoolVar(&s.uninstall, "uninstall", false, "instead of working, clean up all objects and release their finalizers, then end; stop all replicas before")
	flags.StringVar(&s.manifests, "manifests", "", "instead of working, write the manifests to install the operator, for kubectl apply -k, to this `directory`")
	flags.BoolVar(&s.version, "version", false, "print the version and end")
}

// given returns the flags that were given and are about how the operator works. What is in the environment
// is not among them: it may be secret.
func given(flags *pflag.FlagSet) (all []string) {
	flags.Visit(func(f *pflag.Flag) {
		if !lasting(f.Name) || f.Name == "kubeconfig" {
			return
		}
		value := f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			value = strings.Join(list.GetSlice(), ",")
		}
		all = append(all, "--"+f.Name+"="+value)
	})
	return all
}

// variable returns the name of the environment variable that stands for a flag.
func (n names) variable(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(n.Name+"_"+flag, "-", "_"))
}

// lasting reports whether a flag is about how the operator works. The others make the process do something
// else, and cannot be set in the environment.
func lasting(flag string) bool {
	return flag != "uninstall" && flag != "manifests" && flag != "version"
}

func fromEnvironment(n names, flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := n.variable(f.Name)
		value, set := os.LookupEnv(name)
		if f.Changed || !set || err != nil || f.Name == "version" { // which others may mean something else by
			return
		}
		if !lasting(f.Name) {
			err = fmt.Errorf("environment variable %s: --%s can be given as a flag only", name, f.Name)
			return
		}
		if wrong := flags.Set(f.Name, value); wrong != nil {
			err = fmt.Errorf("environment variable %s: %w", name, wrong)
		}
	})
	return err
}

func (s *settings) validate() error {
	if s.workers < 0 {
		return fmt.Errorf("--workers is %d, it must not be negative", s.workers)
	}
	if s.uninstall && s.manifests != "" {
		return errors.New("--uninstall and --manifests are two things to do: give one")
	}
	if s.logFormat != "json" && s.logFormat != "text" {
		return fmt.Errorf("--log-format is %q, it must be json or text", s.logFormat)
	}
	if s.lease < 6*time.Second || s.lease%time.Second != 0 {
		return fmt.Errorf("--leader-elect-lease-duration is %s, it must be whole seconds, and 6s at least", s.lease)
	}
	level, err := zapcore.ParseLevel(s.logLevel)
	if err != nil || level > zapcore.ErrorLevel || s.logLevel == "" {
		return fmt.Errorf("--log-level is %q, it must be debug, info, warn or error", s.logLevel)
	}
	s.level = level
	return s.validateServing()
}

func (s *settings) validateServing() error {
	for flag, addr := range map[string]string{"health-addr": s.healthAddr, "metrics-addr": s.metricsAddr} {
		if _, _, err := net.SplitHostPort(addr); addr != off && err != nil {
			return fmt.Errorf("--%s is %q, it must be host:port, :port, or 0: %w", flag, addr, err)
		}
	}
	if s.metricsCert != "" && !s.metricsSecure {
		return errors.New("--metrics-cert-dir is set, but --metrics-secure is false")
	}
	if s.metricsSecure && s.oneServer() {
		return errors.New("--health-addr and --metrics-addr are the same, which needs --metrics-secure=false: probes are in clear text")
	}
	return nil
}

// oneServer reports whether everything is served at one address.
func (s *settings) oneServer() bool {
	return s.healthAddr == s.metricsAddr && s.healthAddr != off && !strings.HasSuffix(s.healthAddr, ":0") // which is any port that is free
}

// watched checks and cleans the names of the namespaces. No names at all, as of an empty variable, is none,
// and not all.
func (s *settings) watched(flags *pflag.FlagSet) error {
	if f := flags.Lookup("namespaces"); f == nil || !f.Changed {
		return nil
	}
	known := sets.New[string]()
	for i, name := range s.namespaces {
		s.namespaces[i] = strings.TrimSpace(name)
		if problems := validation.ValidateNamespaceName(s.namespaces[i], false); len(problems) > 0 {
			return fmt.Errorf("--namespaces has the name %q in it: %s", name, strings.Join(problems, ", "))
		}
		if known.Has(s.namespaces[i]) {
			return fmt.Errorf("--namespaces has the name %q twice", s.namespaces[i])
		}
		known.Insert(s.namespaces[i])
	}
	if len(s.namespaces) == 0 {
		return errors.New("--namespaces is empty; leave it out to watch all")
	}
	return nil
}

func help(out io.Writer, n names, opts Options, flags *pflag.FlagSet) {
	if opts.Description != "" {
		fmt.Fprintf(out, "%s\n\n", strings.TrimSpace(opts.Description))
	}
	fmt.Fprintf(out, "Usage: %s [flags]\n\n%s\n", n.Name, flags.FlagUsagesWrapped(100))
	fmt.Fprintf(out, "An environment variable sets a flag that is not given: %s for --log-level.\n", n.variable("log-level"))
	fmt.Fprintln(out, "SIGINT and SIGTERM end it in order: what is under way is finished, and the Lease released. A second one ends it at once.")
}

// version is what the go command noted: the tag or the commit that the program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
