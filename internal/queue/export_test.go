package queue

import "time"

// ByKey is a queue whose functions take keys also where a worker has the item.
type ByKey struct{ *Queue[string, string, int] }

// NewByKey is New.
func NewByKey(opts Options[string]) ByKey { return ByKey{New[string, string, int](opts)} }

// Items returns how many there are.
func (q ByKey) Items() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.Len()
}

// Background returns how many items are in the lane of the background.
func (q ByKey) Background() int { return q.Stats().Background }

func (q ByKey) of(key string) *Item[string, string, int] {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.item(key)
}

func (q ByKey) Get() (key string, reasons []string, more int, ok bool) {
	it, reasons, more, ok := q.Queue.Get()
	if ok {
		key = it.Key
	}
	return key, reasons, more, ok
}

func (q ByKey) Done(key string)   { q.Queue.Done(q.of(key)) }
func (q ByKey) Forget(key string) { q.Queue.Forget(q.of(key)) }

func (q ByKey) After(key string, d time.Duration, reason string) {
	q.Queue.After(q.of(key), d, reason)
}

func (q ByKey) Hurry(key string, news bool) { q.Queue.Hurry(q.of(key), news) }

func (q ByKey) Failed(key string, pick func(time.Duration, int) (time.Duration, string)) (time.Duration, int) {
	return q.Queue.Failed(q.of(key), pick)
}

func (q ByKey) Hold(key string, reasons []string, more int, d time.Duration, light bool) {
	q.Queue.Hold(q.of(key), reasons, more, d, light, "test")
}
