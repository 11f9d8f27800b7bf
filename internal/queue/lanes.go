package queue

import "k8s.io/utils/buffer"

// patience bounds how often keys of the background lane are passed over: each
// fifth turn is theirs, whatever else waits. A share, and not an age at which a key
// moves up: after a start every key of the background is old, and all of them
// would move up before the first live change.
const patience = 5

// lanes is the order in which ready keys are worked on, as client-go's workqueue
// asks for it, under its lock.
//
// Changes come before the background (a first list, a resync), which gets at least
// each fifth turn. Within a lane the tenants that have keys take turns, and a
// tenant's keys keep their order.
type lanes[K comparable] struct {
	urgent func(K) bool

	changes, background turns[K]
	// waiting are the keys of the background lane. promoted counts the places in it of
	// keys that moved up to changes: they are passed over.
	waiting  map[K]bool
	promoted map[K]int
	passed   int
}

// newLanes asks urgent for the lane of a key, and tenant for the group that takes turns.
func newLanes[K comparable](tenant func(K) string, urgent func(K) bool) *lanes[K] {
	return &lanes[K]{urgent: urgent, changes: newTurns(tenant), background: newTurns(tenant)}
}

// Push implements workqueue.Queue.
func (l *lanes[K]) Push(key K) {
	if l.urgent(key) {
		l.changes.push(key)
		return
	}
	if l.waiting == nil {
		l.waiting, l.promoted = map[K]bool{}, map[K]int{}
	}
	l.waiting[key] = true
	l.background.push(key)
}

// Touch implements workqueue.Queue. It is called when a key that waits is added
// again, perhaps for a better reason.
func (l *lanes[K]) Touch(key K) {
	if l.waiting[key] && l.urgent(key) {
		l.promoted[key]++
		l.remove(key)
		l.changes.push(key)
	}
}

// Len implements workqueue.Queue.
func (l *lanes[K]) Len() int { return l.changes.count + len(l.waiting) }

// Pop implements workqueue.Queue. It is called only if Len is not zero.
func (l *lanes[K]) Pop() K {
	if len(l.waiting) == 0 || l.changes.count > 0 && l.passed < patience-1 {
		if len(l.waiting) > 0 {
			l.passed++
		}
		return l.changes.pop()
	}
	l.passed = 0
	return l.popBackground()
}

func (l *lanes[K]) popBackground() K {
	key := l.background.pop()
	for l.promoted[key] > 0 {
		l.promoted[key]--
		key = l.background.pop()
	}
	l.remove(key)
	return key
}

// dropIdle takes the key out of the background. The last one leaves no memory behind:
// a first list is large.
func (l *lanes[K]) remove(key K) {
	delete(l.waiting, key)
	if len(l.waiting) == 0 {
		l.waiting, l.promoted = nil, nil
		l.background = newTurns(l.background.tenant)
	}
}

// turns is a queue in which tenants take turns, whatever the length of their lines.
type turns[K comparable] struct {
	tenant func(K) string
	lines  map[string]*line[K]
	order  *buffer.Ring[*line[K]] // the lines that are not empty
	spare  *line[K]
	count  int
}

func newTurns[K comparable](tenant func(K) string) turns[K] {
	return turns[K]{tenant: tenant, lines: map[string]*line[K]{}, order: buffer.NewRing[*line[K]](ringSize)}
}

// ringSize keeps little memory per line, and enough for the usual case.
var ringSize = buffer.RingOptions{InitialSize: 1, NormalSize: 16}

// line is what waits of one tenant.
type line[K comparable] struct {
	tenant string
	keys   *buffer.Ring[K]
}

func (t *turns[K]) push(key K) {
	tenant := t.tenant(key)
	l := t.lines[tenant]
	if l == nil {
		l = t.open(tenant)
	}
	l.keys.WriteOne(key)
	t.count++
}

// open adds an empty line at the end of the order.
func (t *turns[K]) open(tenant string) *line[K] {
	l := t.spare
	if t.spare = nil; l == nil {
		l = &line[K]{keys: buffer.NewRing[K](ringSize)}
	}
	l.tenant = tenant
	t.lines[tenant] = l
	t.order.WriteOne(l)
	return l
}

func (t *turns[K]) pop() K {
	l, _ := t.order.ReadOne()
	key, _ := l.keys.ReadOne()
	t.count--
	if l.keys.Len() > 0 {
		t.order.WriteOne(l)
	} else {
		delete(t.lines, l.tenant)
		t.spare = l
	}
	return key
}
