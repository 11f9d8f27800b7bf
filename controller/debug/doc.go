// Package debug answers "is it healthy?" and "why?": handlers for probes, and a page that shows what
// controllers do, for people and as JSON. It serves nothing by itself: give the handlers to a server of
// yours, on an address that only trusted people and programs reach.
//
//	inspector := debug.New(nil)
//	c, err := controller.New(repo, app{}, &controller.Options{Observer: inspector})
//	mux.Handle("/debug/controllers", inspector)
//	mux.Handle("/readyz", debug.Readyz(c))
//	mux.Handle("/livez", debug.Livez(c))
//
// # The page
//
// A browser gets a page that stays up to date; programs that accept application/json get the same as JSON,
// and others, such as curl, as text. ?key=namespace/name is the story of one object: where it is, what it
// waits for, its last attempts with their reasons, what it reads, and who reads it. ?q=text searches. ?format=html, json or
// text says which, whatever is accepted.
//
// The page shows names, reasons and the text of errors, as the log does, and never the content of objects.
package debug
