package collect

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
)

// A Gate lets a bounded number of requests be under way at once. While more wait, those go first on which most depends:
// a list whose resources have to be asked about comes before calls about single ones.
type Gate struct {
	mu      sync.Mutex
	free    int
	waiting waiters
	last    int
}

// NewGate returns the gate of a scan.
func NewGate() *Gate { return &Gate{free: concurrency} }

// A rank tells which of two requests goes first: that of the earlier turn, or else that with more calls to follow one after another.
type rank struct{ turn, height int }

// An admission is how the requests of a call pass the gate, and whom to tell when the first has.
type admission struct {
	gate *Gate
	rank
	admitted func()
}

type admissionKey struct{} // of the admission of a context

// admit waits until an attempt may be sent, and returns what to call after it. Calls of no reading, such as those that find
// out who is calling, need no admission.
func admit(ctx context.Context) (leave func(), err error) {
	a, ok := ctx.Value(admissionKey{}).(*admission)
	if !ok {
		return func() {}, nil
	}
	if err := a.gate.enter(ctx, a.rank); err != nil {
		return nil, err
	}
	a.admitted()
	return a.gate.leave, nil
}

type waiter struct {
	rank
	number  int // those of equal rank go in the order of arrival
	through chan struct{}
	index   int // in the heap; -1 once it was let through
}

// enter waits until a request may be made; leave must follow. Without one it fails if the context ends first.
func (g *Gate) enter(ctx context.Context, r rank) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return nil
	}
	g.last++
	w := &waiter{rank: r, number: g.last, through: make(chan struct{})}
	heap.Push(&g.waiting, w)
	g.mu.Unlock()
	select {
	case <-w.through:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.index < 0 { // let through at the same moment
		g.next()
	} else {
		heap.Remove(&g.waiting, w.index)
	}
	return ctx.Err()
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next()
}

// next gives a place that has become free to whoever goes first.
func (g *Gate) next() {
	if len(g.waiting) == 0 {
		g.free++
		return
	}
	close(heap.Pop(&g.waiting).(*waiter).through)
}

// waiters implements heap.Interface.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(w[i].turn, w[j].turn), cmp.Compare(w[j].height, w[i].height), cmp.Compare(w[i].number, w[j].number)) < 0
}
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
func (w *waiters) Push(x any) { x.(*waiter).index = len(*w); *w = append(*w, x.(*waiter)) }
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	last.index = -1
	*w = (*w)[:len(*w)-1]
	return last
}
