package github

import (
	"container/list"
	"sync"
)

// maxIDs bounds the remembered addresses of assets.
const maxIDs = 4096

// lru keeps what was used last, bounded in number. It is safe for concurrent use.
type lru[V any] struct {
	mu    sync.Mutex
	most  int
	byKey map[string]*list.Element
	order list.List // of *kept[V], the last used first
}

type kept[V any] struct {
	key   string
	value V
}

func newLRU[V any](most int) *lru[V] {
	return &lru[V]{most: most, byKey: make(map[string]*list.Element)}
}

func (c *lru[V]) get(key string) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept[V]).value, true
}

func (c *lru[V]) put(key string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.remove(e)
	}
	c.byKey[key] = c.order.PushFront(&kept[V]{key, value})
	for len(c.byKey) > c.most {
		c.remove(c.order.Back())
	}
}

// drop forgets key.
func (c *lru[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.remove(e)
	}
}

func (c *lru[V]) remove(e *list.Element) {
	k := c.order.Remove(e).(*kept[V])
	delete(c.byKey, k.key)
}
