package journal

import (
	"strings"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Status is what outlives an attempt of the status that the server has: hashes, and
// the names of its fields, which most objects of a kind share.
type Status struct {
	ResourceVersion string
	Content         [32]byte // of the JSON of what was to be the status
	Shown           [32]byte // of the JSON of the status as the Go type shows it
	Fields          Fields
}

// Fields are the names of the top-level fields that the server has.
type Fields struct{ names unique.Handle[string] }

// FieldsOf returns the fields with the names.
func FieldsOf(names []string) Fields { return Fields{unique.Make(strings.Join(names, "\n"))} }

// Names returns the names.
func (f Fields) Names() []string {
	if f == (Fields{}) || f.names.Value() == "" {
		return nil
	}
	return strings.Split(f.names.Value(), "\n")
}

// KnownStatus is what an attempt knows of the status of its object.
type KnownStatus struct {
	// Object is the state that user code was given, with its Managers if it was read live.
	Object   Object
	Managers []metav1.ManagedFieldsEntry
	// Written is what SetStatus was last given in this attempt, or nil.
	Written any
	// Kept is what this or an earlier attempt kept.
	Kept Status
}

// Status returns what is known, or nothing if the object is not the one that is
// reconciled.
func (j *Journal) Status(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID) KnownStatus {
	if j == nil || !j.is(kind, key) {
		return KnownStatus{}
	}
	j.mu.Lock()
	worked, written := j.worked, j.done().status
	j.mu.Unlock()
	if uid != worked.UID {
		return KnownStatus{}
	}
	known := KnownStatus{Object: worked.Pristine, Managers: worked.Managers, Written: written}
	if j.Recorder != nil {
		j.Recorder.Record(func(r *Sent) { known.Kept = r.Status })
	}
	return known
}

// Paused reports whether an object is the one that is reconciled, and is paused.
func (j *Journal) Paused(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID) bool {
	if j == nil || !j.is(kind, key) {
		return false
	}
	worked := j.Worked()
	return worked.Paused && worked.UID == uid
}

// SetStatus notes the status that the server has now, for this attempt and for later ones.
func (j *Journal) SetStatus(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID, written any, kept Status) {
	if j == nil || !j.is(kind, key) {
		return
	}
	j.mu.Lock()
	mine := uid == j.worked.UID
	if mine {
		j.doing().status = written
	}
	j.mu.Unlock()
	if mine && j.Recorder != nil {
		j.Recorder.Record(func(r *Sent) { r.Status = kept })
	}
}
