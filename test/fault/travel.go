package fault

import (
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// TimeTravel makes clients see a resource as it was at a resourceVersion (see [RV]), as
// beside an API server whose cache lags behind. The server has to remember it still.
//
// Lists that accept a cached state, with resourceVersion=0 or one that is not later than rv,
// show that of rv; those that want a later one get 504 with the cause "too large", as there.
// Watches show nothing after rv. An informer that begins now sees the past.
//
// Reads that want the newest state (resourceVersion unset) or an exact one get it: a server
// that lags asks etcd for them. Watches that ask for the initial state (sendInitialEvents)
// would show that of now, so they are refused with 422, as by a server that does not know
// how to; informers then list. Not covered are reads of single objects that accept a cached
// state, and watches that begin at no resourceVersion: they are as in the present.
//
// Open watches do not take back what they have shown. [Watches.ReleaseTo] lets time go on, also
// for lists, and [Watches.Release] ends it.
func (i *Injector) TimeTravel(resource string, rv uint64) Watches {
	w := i.Watches(resource)
	w.gate.change(func(g *gate) { g.held, g.limit, g.travels = false, rv, true })
	return w
}

// travel changes a list or a watch to one of the past, or refuses it.
func travel(r *http.Request, verb string, rv uint64) (*http.Request, *http.Response, error) {
	query := r.URL.Query()
	if verb == "watch" {
		if !apirequest.IsTrue(query.Get("sendInitialEvents")) {
			return r, nil, nil
		}
		refused, err := answer(r, noInitialEvents())
		return nil, refused, err
	}
	want, match := query.Get("resourceVersion"), query.Get("resourceVersionMatch")
	switch {
	case want == "", query.Get("continue") != "", match == string(metav1.ResourceVersionMatchExact):
		return r, nil, nil
	case match == "" && want != "0" && number(query.Get("limit")) > 0: // of old, a limit makes it exact
		return r, nil, nil
	case number(want) > rv:
		refused, err := answer(r, tooLarge(number(want), rv))
		return nil, refused, err
	}
	query.Set("resourceVersion", strconv.FormatUint(rv, 10))
	query.Set("resourceVersionMatch", string(metav1.ResourceVersionMatchExact))
	if want == "0" {
		query.Del("limit") // a cached state comes as a whole
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return r, nil, nil
}

func noInitialEvents() *apierrors.StatusError {
	return apierrors.NewInvalid(schema.GroupKind{Group: "meta.k8s.io", Kind: "ListOptions"}, "", field.ErrorList{
		field.Forbidden(field.NewPath("sendInitialEvents"), "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"),
	})
}

func tooLarge(want, now uint64) *apierrors.StatusError {
	err := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", want, now), 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}}
	return err
}
