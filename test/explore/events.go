package explore

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kuberator/kuberator/test/internal/answer"
	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// record forwards the write of an Event. It takes no time, and always gets an answer: client-go holds a lock
// while it sends some of them, and time stands still in a bubble as long as a goroutine waits for a lock.
// What a process sends after its crash goes nowhere.
func (w *wire) record(r *http.Request, event apirequest.Info) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(w.process.ctx, cancel)()
	if w.process.ctx.Err() == nil {
		response, err := w.next.RoundTrip(r.WithContext(ctx))
		if err == nil || w.process.ctx.Err() == nil {
			return response, err
		}
	}
	body := fmt.Appendf(nil, `{"apiVersion":%q,"kind":"Event","metadata":{"namespace":%q,"name":%q}}`, event.Resource.GroupVersion(), event.Namespace, event.Name)
	response := answer.New(http.StatusOK, "application/json", body)
	response.Request = r
	return response, nil
}
