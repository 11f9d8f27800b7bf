package queue

import "k8s.io/utils/buffer"

// patience bounds how often keys of the background lane are passed over: each
// fifth turn is theirs, whatever else waits. A share, and not an age at which a key
// moves up: after a start every key of the background is old, and all of them
// would move up before the first live change.
const patience = 5

// lane is where an item is in line.
type lane uint8

const (
	nowhere    lane = iota // not in line
	background             // behind the changes
	changes
)

// lanes are the keys in line, and their order.
//
// Changes come before the background (a first list, a resync, what the operator says can wait), which gets at least
// each fifth turn. Within a lane the tenants that have keys take turns, and a
// tenant's keys keep their order.
type lanes[K, R comparable, S any] struct {
	changes, background turns[K, R, S]
	// waiting counts the items that are in the background. It has also the places of items that moved up
	// to changes, which are passed over: stale counts those of an item, and is nil for most of the time.
	waiting int
	stale   map[*Item[K, R, S]]int
	passed  int
}

// newLanes asks tenant for the group that takes turns.
func newLanes[K, R comparable, S any](tenant func(K) string) lanes[K, R, S] {
	return lanes[K, R, S]{changes: newTurns[K, R, S](tenant), background: newTurns[K, R, S](tenant)}
}

// push puts an item in line, or, if it is in the background and now weighs more, at the end of the changes. It
// reports whether there is one more to get.
func (l *lanes[K, R, S]) push(it *Item[K, R, S], weight Weight) (more bool) {
	was := it.lane
	switch {
	case weight == Background && was == nowhere:
		l.background.push(it)
		it.lane = background
		l.waiting++
	case weight > Background && was != changes:
		l.changes.push(it)
		it.lane = changes
		if was == background {
			if l.stale == nil {
				l.stale = map[*Item[K, R, S]]int{}
			}
			l.stale[it]++
			l.left()
		}
	}
	return was == nowhere
}

func (l *lanes[K, R, S]) len() int { return l.changes.count + l.waiting }

// pop must be called only if there is one.
func (l *lanes[K, R, S]) pop() (it *Item[K, R, S]) {
	if l.waiting == 0 || l.changes.count > 0 && l.passed < patience-1 {
		if l.waiting > 0 {
			l.passed++
		}
		it = l.changes.pop()
	} else {
		l.passed = 0
		for it = l.background.pop(); l.isStale(it); {
			it = l.background.pop()
		}
		l.left()
	}
	it.lane = nowhere
	return it
}

// isStale takes one of the places of an item away that it does not have any more. They are the first: when it comes
// again, it is behind them.
func (l *lanes[K, R, S]) isStale(it *Item[K, R, S]) bool {
	places := l.stale[it]
	if places > 1 {
		l.stale[it] = places - 1
	} else {
		delete(l.stale, it)
	}
	return places > 0
}

// left counts an item less in the background. The last one leaves no memory behind: a first list is large.
func (l *lanes[K, R, S]) left() {
	if l.waiting--; l.waiting == 0 {
		l.background, l.stale = newTurns[K, R, S](l.background.tenant), nil
	}
}

// turns is a queue in which tenants take turns, whatever the length of their lines.
type turns[K, R comparable, S any] struct {
	tenant func(K) string
	lines  map[string]*line[K, R, S]
	order  *buffer.Ring[*line[K, R, S]] // the lines that are not empty
	spare  *line[K, R, S]
	count  int
}

func newTurns[K, R comparable, S any](tenant func(K) string) turns[K, R, S] {
	return turns[K, R, S]{tenant: tenant, lines: map[string]*line[K, R, S]{}, order: buffer.NewRing[*line[K, R, S]](ringSize)}
}

// ringSize keeps little memory per line, and enough for the usual case.
var ringSize = buffer.RingOptions{InitialSize: 1, NormalSize: 16}

// line is what waits of one tenant.
type line[K, R comparable, S any] struct {
	tenant string
	items  *buffer.Ring[*Item[K, R, S]]
}

func (t *turns[K, R, S]) push(it *Item[K, R, S]) {
	tenant := t.tenant(it.Key)
	l := t.lines[tenant]
	if l == nil {
		l = t.open(tenant)
	}
	l.items.WriteOne(it)
	t.count++
}

// open adds an empty line at the end of the order.
func (t *turns[K, R, S]) open(tenant string) *line[K, R, S] {
	l := t.spare
	if t.spare = nil; l == nil {
		l = &line[K, R, S]{items: buffer.NewRing[*Item[K, R, S]](ringSize)}
	}
	l.tenant = tenant
	t.lines[tenant] = l
	t.order.WriteOne(l)
	return l
}

func (t *turns[K, R, S]) pop() *Item[K, R, S] {
	l, _ := t.order.ReadOne()
	it, _ := l.items.ReadOne()
	t.count--
	if l.items.Len() > 0 {
		t.order.WriteOne(l)
	} else {
		delete(t.lines, l.tenant)
		t.spare = l
	}
	return it
}
