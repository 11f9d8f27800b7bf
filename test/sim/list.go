package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// getOne serves GET of one object.
func (s *Server) getOne(r *request) (*http.Response, error) {
	w := &write{resource: r.resource, key: r.key()}
	at, err := s.readAt(r)
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
	selection, err := r.selection()
	if err != nil {
		return nil, err
	}
	limit, err := number(r, "limit")
	if err != nil {
		return nil, err
	}
	from, at, err := s.where(r)
	if err != nil {
		return nil, err
	}
	keys, records, rv, ok := s.store.list(r.resource.gr(), at)
	if !ok {
		return nil, expired(from)
	}
	start := 0
	if from != nil {
		var exact bool
		if start, exact = slices.BinarySearchFunc(keys, from.After, compareKeys); exact {
			start++
		}
	}
	meta := metav1.ListMeta{ResourceVersion: formatRV(rv)}
	items, next := pick(selection, keys, records, start, int(limit))
	if next > 0 {
		meta.Continue = token(page{RV: rv, After: keys[next-1]})
		if selection.all() {
			meta.RemainingItemCount = new(int64(selection.count(keys[next:])))
		}
	}
	return r.listOf(items, meta)
}

// pick returns what a selection has of a list, at most limit (0: all), and where a next
// page begins, 0 if there is none.
func pick(selection *selection, keys []types.NamespacedName, records []*record, start, limit int) (items []*record, next int) {
	for i := start; i < len(keys); i++ {
		if !selection.matches(keys[i], records[i]) {
			continue
		}
		if limit > 0 && len(items) == limit {
			return items, next
		}
		items, next = append(items, records[i]), i+1
	}
	return items, 0
}

// where says from where and at which resourceVersion to list.
func (s *Server) where(r *request) (from *page, at uint64, err error) {
	if err := r.checkVersionMatch(); err != nil {
		return nil, 0, err
	}
	if text := r.query.Get("continue"); text != "" {
		from := &page{}
		data, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil {
			err = json.Unmarshal(data, from)
		}
		if err != nil {
			return nil, 0, apierrors.NewBadRequest("continue key is not valid: " + err.Error())
		}
		return from, from.RV, nil
	}
	at, err = s.readAt(r)
	return nil, at, err
}

// readAt returns the resourceVersion at which to read: the newest, unless the client
// takes what the watch cache has, or asks for a certain one.
func (s *Server) readAt(r *request) (uint64, error) {
	text := r.query.Get("resourceVersion")
	view, _, _ := r.session.look(r.resource.gr())
	switch {
	case text == "":
		return newest, nil
	case text == "0":
		return view.until, nil
	}
	rv, err := parseRV(text)
	switch {
	case err != nil:
		return 0, err
	case r.query.Get("resourceVersionMatch") == string(metav1.ResourceVersionMatchExact) && rv <= s.store.now():
		return rv, nil
	case rv > min(view.until, s.store.now()):
		return 0, tooLarge(rv, min(view.until, s.store.now()))
	case r.query.Get("resourceVersionMatch") == "" && r.query.Get("limit") != "" && r.query.Get("limit") != "0":
		return rv, nil // of old, a limit makes it exact
	}
	return view.until, nil
}

func (r *request) checkVersionMatch() error {
	match, rv := r.query.Get("resourceVersionMatch"), r.query.Get("resourceVersion")
	path := field.NewPath("resourceVersionMatch")
	var err *field.Error
	switch {
	case match == "":
		if r.query.Get("continue") != "" && rv != "" && rv != "0" {
			return apierrors.NewBadRequest("specifying resource version is not allowed when using continue")
		}
		return nil
	case r.query.Get("continue") != "":
		err = field.Forbidden(path, "resourceVersionMatch is forbidden when continue is provided")
	case rv == "":
		err = field.Forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided")
	case match != string(metav1.ResourceVersionMatchExact) && match != string(metav1.ResourceVersionMatchNotOlderThan):
		err = field.NotSupported(path, match, []string{"Exact", "NotOlderThan", ""})
	case match == string(metav1.ResourceVersionMatchExact) && rv == "0":
		err = field.Forbidden(path, "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
	default:
		return nil
	}
	return invalidOptions("ListOptions", err)
}

// listOf is a list of objects, in the version and the form that the client asked for.
func (r *request) listOf(items []*record, meta metav1.ListMeta) (*http.Response, error) {
	apiVersion, kind := r.resource.gvk.GroupVersion().String(), r.resource.listKind
	if r.metadataOnly() {
		apiVersion, kind = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	head, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("encode a list: %w", err)
	}
	size := 0
	for _, rec := range items {
		size += len(rec.raw) + 1
	}
	body := bytes.NewBuffer(make([]byte, 0, size+len(head)+100))
	fmt.Fprintf(body, `{"kind":%q,"apiVersion":%q,"metadata":%s,"items":[`, kind, apiVersion, head)
	for i, rec := range items {
		if i > 0 {
			body.WriteByte(',')
		}
		item, err := r.encode(rec)
		if err != nil {
			return nil, err
		}
		body.Write(item)
	}
	body.WriteString("]}")
	return ok(http.StatusOK, body.Bytes()), nil
}

func token(p page) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and texts
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
		return 0, apierrors.NewInvalid(metav1.SchemeGroupVersion.WithKind("ListOptions").GroupKind(), "", field.ErrorList{
			field.Invalid(field.NewPath("resourceVersion"), text, err.Error()),
		})
	}
	return rv, nil
}

func number(r *request, name string) (int64, error) {
	text := r.query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, apierrors.NewBadRequest(err.Error())
	}
	return n, nil
}
