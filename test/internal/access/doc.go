// Package access makes what a client needs to reach an API server on this machine: a
// certificate for the loopback address, and kubeconfig files.
package access
