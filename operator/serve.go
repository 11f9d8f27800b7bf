package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
)

// PagePath is where the page of package debug is served.
const PagePath = "/debug/controllers"

// server is what listens at one address.
type server struct {
	addr   string
	secure *tls.Config // nil for clear text
	mux    *http.ServeMux
}

// serve runs work, and answers HTTP requests until it has returned: a probe and a scrape see how it ends.
func (p *Process) serve(ctx context.Context, work controller.Runner) error {
	servers, err := p.servers()
	if err != nil {
		return err
	}
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	serving := make(chan error, len(servers))
	var open []*http.Server
	for _, s := range servers {
		listener, err := s.listen(ctx)
		if err != nil {
			closeAll(context.WithoutCancel(ctx), open)
			return err
		}
		p.Logger.Info("serving", zap.String("address", listener.Addr().String()), zap.Bool("tls", s.secure != nil))
		one := &http.Server{
			Handler: s.mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(p.Slog.Handler(), slog.LevelWarn),
		}
		open = append(open, one)
		go func() {
			defer cancel()
			serving <- one.Serve(listener)
		}()
	}
	err = work.Run(working)
	closeAll(context.WithoutCancel(ctx), open)
	for range open {
		if failed := <-serving; !errors.Is(failed, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("serve HTTP: %w", failed))
		}
	}
	return err
}

// closeAll lets requests that are being answered end, for a moment.
func closeAll(ctx context.Context, open []*http.Server) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, one := range open {
		if one.Shutdown(ctx) != nil {
			_ = one.Close()
		}
	}
}

func (s server) listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return nil, fmt.Errorf("serve HTTP: %w", err)
	}
	if s.secure != nil {
		listener = tls.NewListener(listener, s.secure)
	}
	return listener, nil
}

// servers returns what is to be served. One address may be given for everything.
func (p *Process) servers() (all []server, err error) {
	metrics := server{addr: p.settings.metricsAddr, mux: http.NewServeMux()}
	health := server{addr: p.settings.healthAddr, mux: http.NewServeMux()}
	same := p.settings.oneServer()
	if same {
		health.mux = metrics.mux
	}
	if metrics.addr != off {
		guarded := onlyLocal
		scrape := func(h http.Handler) http.Handler { return h }
		if p.settings.metricsSecure {
			if metrics.secure, err = p.certificates(); err != nil {
				return nil, err
			}
			g, err := newGuard(p.Config, p.Logger)
			if err != nil {
				return nil, err
			}
			guarded, scrape = g.protect, g.protect
		}
		metrics.mux.Handle("GET /metrics", scrape(promhttp.HandlerFor(p.Registry, promhttp.HandlerOpts{Registry: p.Registry, EnableOpenMetrics: true})))
		metrics.mux.Handle("GET "+PagePath, guarded(p.inspector))
		all = append(all, metrics)
	}
	if health.addr != off {
		ready, healthy := p.probes()
		health.mux.Handle("GET /readyz", debug.Readyz(ready...))
		health.mux.Handle("GET /livez", debug.Livez(healthy...))
		if !same {
			health.mux.Handle("GET "+PagePath, onlyLocal(p.inspector))
			all = append(all, health)
		}
	}
	return all, nil
}

// probes returns those of the runners that probes can ask.
func (p *Process) probes() (ready []debug.Ready, healthy []debug.Healthy) {
	for _, r := range slices.Concat(p.each, p.leads) {
		if r, ok := r.(debug.Ready); ok {
			ready = append(ready, r)
		}
		if r, ok := r.(debug.Healthy); ok {
			healthy = append(healthy, r)
		}
	}
	return ready, healthy
}

// onlyLocal lets in who is on this machine, or in this Pod, as kubectl port-forward is. The name that the
// request was sent to is looked at, too: a page of the Web can have a name that leads to this machine, and
// a browser that sends requests there.
func onlyLocal(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLoopback(r.RemoteAddr) && (isLoopback(r.Host) || hostname(r.Host) == "localhost") {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "this is only for requests from the same Pod or machine: use kubectl port-forward", http.StatusForbidden)
	})
}

func isLoopback(address string) bool {
	ip := net.ParseIP(hostname(address))
	return ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback) // others of 127.0.0.0/8 may be a proxy
}

// hostname is an address without its port, if it has one.
func hostname(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
