package sim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// getOne serves GET of one object.
func (s *Server) getOne(r *request) (*http.Response, error) {
	w := &write{resource: r.resource, key: r.key()}
	at, err := s.readAt(r, &metainternalversion.ListOptions{ResourceVersion: r.query.Get("resourceVersion")})
	if err != nil {
		return nil, err
	}
	rec := s.store.get(r.resource.gr(), w.key)
	if at != newest {
		keys, records, _, _ := s.store.list(r.resource.gr(), at)
		rec = nil
		if i, ok := slices.BinarySearchFunc(keys, w.key, compareKeys); ok {
			rec = records[i]
		}
	}
	if rec == nil {
		return nil, w.notFound()
	}
	return r.answer(http.StatusOK, rec)
}

// page is where a list goes on: the content of a continue token.
type page struct {
	RV    uint64               `json:"rv"`
	After types.NamespacedName `json:"after"`
}

// list serves GET of a collection.
func (s *Server) list(r *request) (*http.Response, error) {
	items, meta, err := s.page(r)
	if err != nil {
		return nil, err
	}
	return r.listOf(items, meta)
}

// page reads what a request selects, as much of it as it wants.
func (s *Server) page(r *request) (items []*record, meta metav1.ListMeta, err error) {
	options, selection, err := r.selection()
	if err != nil {
		return nil, meta, err
	}
	if options.Continue == "" && selection.single() {
		options.Limit = 0 // one object is no page
	}
	from, at, err := s.where(r, options)
	if err != nil {
		return nil, meta, err
	}
	keys, records, rv, ok := s.store.list(r.resource.gr(), at)
	if !ok {
		return nil, meta, expired(from)
	}
	start := 0
	if from != nil {
		var exact bool
		if start, exact = slices.BinarySearchFunc(keys, from.After, compareKeys); exact {
			start++
		}
	}
	if options.ResourceVersion == "0" && from == nil {
		options.Limit = 0 // the cache answers, which has no pages
	}
	meta = metav1.ListMeta{ResourceVersion: formatRV(rv)}
	items, next := selection.pick(keys, records, start, int(options.Limit))
	if next > 0 {
		meta.Continue = token(page{RV: rv, After: keys[next-1]})
		if selection.all() {
			meta.RemainingItemCount = new(int64(selection.count(keys[next:])))
		}
	}
	return items, meta, nil
}

// pick returns what a selection has of a list, at most limit (0: all), and where a next page
// begins, 0 if there is none. There is one as soon as there are more objects, whether or not the
// selection has any of them.
func (s *selection) pick(keys []types.NamespacedName, records []*record, start, limit int) (items []*record, next int) {
	for i := start; i < len(keys); i++ {
		if limit > 0 && len(items) == limit {
			if s.reaches(keys[i]) {
				return items, next
			}
			continue
		}
		if s.matches(keys[i], records[i]) {
			items, next = append(items, records[i]), i+1
		}
	}
	return items, 0
}

// reaches reports whether the server looks at an object at all, to find out whether it is
// selected.
func (s *selection) reaches(key types.NamespacedName) bool {
	return s.namespace == "" || key.Namespace == s.namespace
}

// where says from where and at which resourceVersion to list.
func (s *Server) where(r *request, options *metainternalversion.ListOptions) (from *page, at uint64, err error) {
	if text := options.Continue; text != "" {
		if rv := options.ResourceVersion; rv != "" && rv != "0" {
			return nil, 0, apierrors.NewBadRequest("specifying resource version is not allowed when using continue")
		}
		from := &page{}
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil {
			err = json.Unmarshal(data, from)
		}
		if err != nil {
			return nil, 0, apierrors.NewBadRequest("invalid continue token: continue key is not valid: " + err.Error())
		}
		return from, from.RV, nil
	}
	at, err = s.readAt(r, options)
	if invalid := (&field.Error{}); errors.As(err, &invalid) {
		err = apierrors.NewBadRequest("invalid resource version: " + err.Error())
	}
	return nil, at, err
}

// readAt returns the resourceVersion at which to read: the newest, unless the client
// takes what the watch cache has, or asks for a certain one.
func (s *Server) readAt(r *request, options *metainternalversion.ListOptions) (uint64, error) {
	text, match := options.ResourceVersion, options.ResourceVersionMatch
	view, _, _ := r.session.look(r.resource.gr())
	switch text {
	case "":
		return newest, nil
	case "0":
		return view.until, nil
	}
	rv, err := parseRV(text)
	switch {
	case err != nil:
		return 0, err
	case match == metav1.ResourceVersionMatchExact && rv <= s.store.now():
		return rv, nil
	case rv > min(view.until, s.store.now()):
		return 0, tooLarge(rv, min(view.until, s.store.now()))
	case match == "" && options.Limit > 0:
		return rv, nil // of old, a limit makes it exact
	}
	return view.until, nil
}

// listOf is a list of objects, in the version and the form that the client asked for.
func (r *request) listOf(items []*record, meta metav1.ListMeta) (*http.Response, error) {
	apiVersion, kind := groupVersion(r.resource.gvk), r.resource.listKind
	switch r.form.as {
	case "PartialObjectMetadata":
		return nil, notAcceptable("you requested PartialObjectMetadata, but the requested object is a list (" + kind + ")")
	case "PartialObjectMetadataList":
		apiVersion, kind = r.form.group, r.form.as
	}
	switch {
	case r.form.as == asTable:
		body, err := r.table(items, meta, true)
		if err != nil {
			return nil, err
		}
		return r.write(http.StatusOK, body)
	case r.form.media == mediaProtobuf:
		return r.protobufList(items, meta)
	}
	head, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("encode a list: %w", err)
	}
	size := 0
	for _, rec := range items {
		size += len(rec.raw) + 100
	}
	body := fmt.Appendf(make([]byte, 0, size+len(head)+100), `{"kind":%q,"apiVersion":%q,"metadata":%s,"items":[`, kind, apiVersion, head)
	for i, rec := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = r.encode(body, rec, false)
	}
	return r.write(http.StatusOK, append(body, "]}"...))
}

func token(p page) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) //nolint:forbidigo // numbers and texts
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func expired(from *page) error {
	if from == nil {
		return apierrors.NewResourceExpired("The resourceVersion for the provided list is too old.")
	}
	return apierrors.NewResourceExpired("The provided continue parameter is too old to display a consistent list result. " +
		"You must start a new list without the continue parameter.")
}

func tooLarge(rv, now uint64) error {
	err := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", rv, now), 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}}
	return err
}

func formatRV(rv uint64) string { return strconv.FormatUint(rv, 10) }

func parseRV(text string) (uint64, error) {
	rv, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, field.Invalid(field.NewPath("resourceVersion"), text, err.Error())
	}
	return rv, nil
}
