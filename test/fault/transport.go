package fault

import (
	"net/http"
	"slices"
)

// transport is where requests pass through.
type transport struct {
	injector *Injector
	next     http.RoundTripper
}

// RoundTrip is one request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x, err := newExchange(r)
	if err != nil {
		return nil, err
	}
	todo := send(func() (*http.Response, error) { return t.injector.send(x, t.next) })
	if rule := t.injector.choose(x); rule != nil {
		todo = rule.around(x, todo)
	}
	return todo()
}

// WrappedRoundTripper lets client-go find the transport below.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// around puts a rule's outcomes around what remains to be done, the first outermost.
func (r *Rule) around(x *exchange, todo send) send {
	for _, outcome := range slices.Backward(r.outcomes) {
		next := todo
		todo = func() (*http.Response, error) { return outcome.do(x, next) }
	}
	return todo
}

// send is the way to the server, past the watches that are held back.
func (i *Injector) send(x *exchange, next http.RoundTripper) (*http.Response, error) {
	r := x.request
	if !x.resource || x.info.Subresource != "" || x.info.Verb != "list" && x.info.Verb != "watch" {
		return next.RoundTrip(r)
	}
	gate := i.gate(x.info.Resource.GroupResource())
	if past, travels := gate.past(); travels {
		var refused *http.Response
		var err error
		if r, refused, err = travel(r, x.info.Verb, past); refused != nil || err != nil {
			return refused, err
		}
	}
	if x.info.Verb == "list" {
		return next.RoundTrip(r)
	}
	return gate.watch(r, next)
}
