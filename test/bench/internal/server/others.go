package server

import (
	"net/http"

	"github.com/kuberator/kuberator/test/sim"
)

// Simulated answers requests for [Options.Others] by the simulator, as those of somebody who may do everything.
func Simulated(srv *sim.Server) http.Handler {
	authorization, session := "Bearer "+srv.Token("bench", "system:masters"), srv.Session("bench")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", authorization)
		session.ServeHTTP(w, r)
	})
}
