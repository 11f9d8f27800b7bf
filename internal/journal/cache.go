package journal

// Cache is what package controller has to know of an informer, and users have not.
type Cache interface {
	// Shows reports whether the cache shows a write, or never will because the object is not one
	// of those that it holds.
	Shows(w Write) bool
	// Skipped reports whether the write stored an object that the cache would hold, and that is
	// gone again: the cache has come further, and does not have it.
	Skipped(w Write) bool
	// Overtaken reports whether the write stored an object that the cache holds in a later state,
	// and went over the written one without an event.
	Overtaken(w Write) bool
	// Indexed returns the values of an object in the index of that name.
	Indexed(name string, obj Object) []string
}

// CacheOf returns the Cache of an informer. Only package informer sets it, when the program
// begins: what is exported there is for users.
var CacheOf func(informer any) Cache
