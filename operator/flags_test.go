package operator

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func parsed(args ...string) (*settings, string, error) {
	var out strings.Builder
	opts, n, err := (&Options{Description: "Sells things."}).withDefaults(theName)
	if err != nil {
		return nil, "", err
	}
	s, err := parse(n, opts, args, &out)
	return s, out.String(), err
}

// Kills: a flag that --help, the first thing that a user reads, does not explain; lines that are cut off.
func TestHelpExplainsEachFlag(t *testing.T) {
	_, out, err := parsed("--help")
	require.ErrorIs(t, err, errDone)
	require.True(t, strings.HasPrefix(out, "Sells things.\n\nUsage: shop-operator [flags]\n"), out)
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	(&settings{}).declare(flags, Options{})
	flags.VisitAll(func(f *pflag.Flag) {
		require.Contains(t, out, "--"+f.Name+" ")
		require.NotEmpty(t, f.Usage, f.Name)
	})
	require.Contains(t, out, "SHOP_OPERATOR_LOG_LEVEL for --log-level")
}

func TestFlagsAndEnvironment(t *testing.T) {
	s, _, err := parsed()
	require.NoError(t, err)
	require.Equal(t, &settings{
		leaderElect: true, lease: 15 * time.Second, healthAddr: ":8081", metricsAddr: ":8443", metricsSecure: true, logLevel: "info", logFormat: "json",
	}, s)
	t.Setenv("SHOP_OPERATOR_WORKERS", "7")
	t.Setenv("SHOP_OPERATOR_NAMESPACES", "a, b")
	t.Setenv("SHOP_OPERATOR_LOG_FORMAT", "text")
	t.Setenv("SHOP_OPERATOR_VERSION", "v1.2.3") // of an image, for instance
	s, _, err = parsed("--log-format=json", "--leader-elect=false")
	require.NoError(t, err)
	require.Equal(t, 7, s.workers)
	require.Equal(t, []string{"a", "b"}, s.namespaces)
	require.Equal(t, []string{"--log-format=json", "--leader-elect=false"}, s.given)
	require.Equal(t, "json", s.logFormat, "a flag wins")
	require.False(t, s.leaderElect)
	require.False(t, s.uninstall)
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--workers=many":                       `invalid argument "many" for "--workers" flag`,
		"--workers=-1":                         "--workers is -1, it must not be negative",
		"--log-level=loud":                     `--log-level is "loud", it must be debug, info, warn or error`,
		"--log-level=fatal":                    `--log-level is "fatal", it must be debug, info, warn or error`,
		"--log-level=":                         `--log-level is "", it must be debug, info, warn or error`,
		"--log-format=xml":                     `--log-format is "xml", it must be json or text`,
		"--namespaces=a,,b":                    `--namespaces has the name "" in it`,
		"--namespaces=a,B":                     `--namespaces has the name "B" in it`,
		"--namespaces=a,a":                     `--namespaces has the name "a" twice`,
		"--manifests=":                         "--manifests is empty",
		"--uninstall --manifests=d":            "two things to do",
		"--namespaces=":                        "--namespaces is empty",
		"--health-addr=foo":                    `--health-addr is "foo", it must be host:port`,
		"--metrics-addr=8443":                  `--metrics-addr is "8443", it must be host:port`,
		"--health-addr=:8443":                  "the same, which needs --metrics-secure=false",
		"--leader-elect-lease-duration=1s":     "whole seconds, and 6s at least",
		"--leader-elect-lease-duration=7500ms": "whole seconds, and 6s at least",
		"--namspaces=a":                        "unknown flag: --namspaces",
		"run":                                  `there are flags only, and no argument like "run"`,
		"--metrics-secure=false --metrics-cert-dir=/x": "--metrics-cert-dir is set, but --metrics-secure is false",
	} {
		_, _, err := parsed(strings.Fields(args)...)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "--help lists the flags")
	}
	t.Setenv("SHOP_OPERATOR_UNINSTALL", "true")
	_, _, err := parsed()
	require.ErrorContains(t, err, "SHOP_OPERATOR_UNINSTALL: --uninstall can be given as a flag only", "it must not begin to work")
	require.NoError(t, os.Unsetenv("SHOP_OPERATOR_UNINSTALL"))
	t.Setenv("SHOP_OPERATOR_NAMESPACES", "")
	_, _, err = parsed()
	require.ErrorContains(t, err, "--namespaces is empty", "an empty variable is not all namespaces")
	t.Setenv("SHOP_OPERATOR_NAMESPACES", "a")
	t.Setenv("SHOP_OPERATOR_WORKERS", "many")
	_, _, err = parsed()
	require.ErrorContains(t, err, "environment variable SHOP_OPERATOR_WORKERS: ")
	_, _, err = parsed("--workers=1")
	require.NoError(t, err, "the flag wins, and the variable is not read")
}

// Kills: a password in the environment of who writes the manifests that is in the manifests.
func TestS2WhatIsInTheEnvironmentIsInNoManifest(t *testing.T) {
	t.Setenv("SHOP_OPERATOR_SMTP_PASSWORD", "tiger")
	own := flag.NewFlagSet("", flag.ContinueOnError)
	own.String("smtp-password", "", "")
	for _, text := range manifests(t, &Options{Flags: own}, "--workers=3") {
		require.NotContains(t, string(text), "tiger")
	}
}

// Kills: manifests with the rights for what is in the environment of who writes them, which the Deployment does
// not get: a role in some namespaces for an operator of all, no Lease for one that elects a leader.
func TestS2TheEnvironmentDoesNotChangeTheManifests(t *testing.T) {
	want := manifests(t, nil)
	t.Setenv("SHOP_OPERATOR_NAMESPACES", "red,blue")
	t.Setenv("SHOP_OPERATOR_LEADER_ELECT", "false")
	t.Setenv("SHOP_OPERATOR_METRICS_ADDR", "0")
	require.Equal(t, want, manifests(t, nil))
}

// An operator's own flags are parsed, listed and set in the environment as ours are.
func TestFlagsOfTheOperatorItself(t *testing.T) {
	own := flag.NewFlagSet("", flag.ContinueOnError)
	colour := own.String("colour", "red", "colour of the shop")
	opts, n, err := (&Options{Flags: own, ClusterWide: true}).withDefaults(theName)
	require.NoError(t, err)
	_, err = parse(n, opts, []string{"--colour=blue"}, nil)
	require.NoError(t, err)
	require.Equal(t, "blue", *colour)
	t.Setenv("SHOP_OPERATOR_COLOUR", "green")
	_, err = parse(n, opts, nil, nil)
	require.NoError(t, err)
	require.Equal(t, "green", *colour)
	var out strings.Builder
	_, err = parse(n, opts, []string{"--help"}, &out)
	require.ErrorIs(t, err, errDone)
	require.Contains(t, out.String(), "colour of the shop")
	require.NotContains(t, out.String(), "--namespaces", "of an operator whose kinds have none")
}

func TestNamesOfOperators(t *testing.T) {
	for _, wrong := range []string{"", "shop", "/shop", "example.com/", "example.com/Shop", "example.com/a/b", "example.com/shop.operator", "example.com/" + strings.Repeat("a", 46)} {
		_, _, err := (*Options)(nil).withDefaults(wrong)
		require.ErrorContains(t, err, "the name of the operator is", wrong)
	}
	opts, n, err := (*Options)(nil).withDefaults(theName)
	require.NoError(t, err)
	require.Equal(t, "shop-operator-system", opts.Namespace)
	require.Equal(t, names{Full: theName, Name: "shop-operator"}, n)
	_, _, err = (&Options{Namespace: "Not valid"}).withDefaults(theName)
	require.ErrorContains(t, err, "Namespace")
	require.Error(t, Run(t.Context(), "shop", nil, nil, nil, nil))
}
