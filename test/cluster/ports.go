package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// The ports are taken from below the range that operating systems use for
// outgoing connections (32768 and up). While a process is stopped, a client that
// dials its port from that range could be given the very same port, connect to
// itself, and keep the process from starting again.
const (
	firstPort = 20000
	lastPort  = 32000
)

// ports holds the port of each listener of a control plane.
type ports struct {
	etcdClient, etcdPeer, apiServer, manager int
}

// choosePorts finds free ports of the loopback address. apiServer is used as it
// is, unless it is zero.
func choosePorts(apiServer int) (ports, error) {
	if apiServer != 0 {
		if err := checkPort(apiServer); err != nil {
			return ports{}, err
		}
	}
	chosen := ports{apiServer: apiServer}
	used := map[int]bool{apiServer: true}
	for _, port := range []*int{&chosen.etcdClient, &chosen.etcdPeer, &chosen.apiServer, &chosen.manager} {
		if *port != 0 {
			continue
		}
		free, err := freePort(used)
		if err != nil {
			return ports{}, err
		}
		used[free] = true
		*port = free
	}
	return chosen, nil
}

// freePort returns a port that nothing listens on and that is not in used.
func freePort(used map[int]bool) (int, error) {
	var last error
	// A random start keeps test packages that run at the same time apart. With
	// 12,000 ports, 100 attempts fail only where no port can be listened on.
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if used[port] {
			continue
		}
		if last = checkPort(port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("looking for a free port of 127.0.0.1: %w", last)
}

// checkPort returns an error that names the port if it cannot be listened on.
func checkPort(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d of 127.0.0.1 is taken by another process: %w", port, err)
	}
	if err != nil {
		return fmt.Errorf("port %d of 127.0.0.1 cannot be used: %w", port, err)
	}
	return listener.Close()
}
