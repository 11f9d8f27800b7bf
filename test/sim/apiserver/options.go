package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options are what the flags say.
type options struct {
	port       int
	kubeconfig string
	crds       string
	state      string
	save       bool
	latency    time.Duration
	faults     string
}

var errUsage = errors.New("wrong usage")

const usage = `Apiserver is a simulated Kubernetes API server on 127.0.0.1. It keeps everything in memory, and ends with Ctrl-C.

  go run github.com/kuberator/kuberator/test/sim/apiserver [flags]

`

// parse reads the flags. What is wrong with them, and the help, is written to problems.
func parse(args []string, problems io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("apiserver", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Usage = func() {
		fmt.Fprint(problems, usage)
		flags.PrintDefaults()
	}
	flags.IntVar(&o.port, "port", 0, "the port to listen on; 0 is a free one")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "the `file` to write the kubeconfig to; by default one in a temporary folder")
	flags.StringVar(&o.crds, "crds", "", "a `file` of CustomResourceDefinitions in YAML or JSON, or a folder of such files")
	flags.StringVar(&o.state, "state", "", "a `file` of objects in YAML or JSON, or a folder of such files, to begin with")
	flags.BoolVar(&o.save, "save", false, "at the end, write all objects to the file of -state")
	flags.DurationVar(&o.latency, "latency", 0, "how long each request takes before anything happens, as in 50ms")
	flags.StringVar(&o.faults, "faults", "", "which requests fail, and how: `rules` such as \"update deployments.apps nth=2 conflict\", or @FILE; see the README")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errUsage
	case flags.NArg() > 0:
		fmt.Fprintf(problems, "apiserver takes flags only, and not %q\n", strings.Join(flags.Args(), " "))
		return o, errUsage
	case o.save && o.state == "":
		fmt.Fprintln(problems, "-save needs -state, the file to write to")
		return o, errUsage
	case o.latency < 0:
		fmt.Fprintf(problems, "-latency is %s, it must not be negative\n", o.latency)
		return o, errUsage
	}
	return o, nil
}
