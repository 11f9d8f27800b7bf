package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// serveHealth answers /healthz, in the words of kube-controller-manager, until ctx ends.
func serveHealth(ctx context.Context, o *managerOptions) error {
	if o.port == 0 {
		<-ctx.Done()
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("verbose") {
			fmt.Fprint(w, "ok")
			return
		}
		for _, name := range o.enabled() {
			fmt.Fprintf(w, "[+]%s ok\n", name)
		}
		fmt.Fprintln(w, "healthz check passed")
	})
	server := &http.Server{Addr: net.JoinHostPort(o.address, strconv.Itoa(o.port)), Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServeTLS(o.cert, o.certKey); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving /healthz: %w", err)
	}
	return nil
}
