package transport

import (
	"slices"
	"strings"
)

// A mirror's bytes are taken because they are verified by who asked for them, who says what came of
// it by [pantry.Judge]. Bytes that are wrong put the mirror out at once, for as long as the client
// lives: there are others. That lasts, and Options.Distrusted is told, when another place serves
// what is right: until then the digest itself may be the one that is wrong. The registry's own URL
// is never out; it is asked last for what it served wrongly.

// Judge says what came of the bytes of an artifact: err is nil when they were verified, and otherwise
// says what is wrong with them. again is true where another place may have the right ones. See
// pantry.Judge.
func (b *body) Judge(err error) (again bool) {
	c, k := b.call.client, b.call
	if k.place == nil {
		return false
	}
	if err == nil {
		c.acquit(k)
		return false
	}
	return c.doubt(k, err)
}

// acquit notes that a place served what is right: those that did not were wrong.
func (c *Client) acquit(k *call) {
	m := c.places
	m.mu.Lock()
	doubted := m.doubts[k.rest]
	delete(m.doubts, k.rest)
	m.mu.Unlock()
	for _, p := range doubted {
		if p != k.place && !p.own {
			c.distrusted(p)
		}
	}
}

// doubt notes that a place served what is wrong, and says whether there is another one to ask.
func (c *Client) doubt(k *call, err error) (again bool) {
	m := c.places
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := k.place; !p.own && p.out == nil {
		p.out = c.distrust(err.Error())
	}
	if len(m.doubts) < maxDoubts && !slices.Contains(m.doubts[k.rest], k.place) {
		m.doubts[k.rest] = append(m.doubts[k.rest], k.place)
	}
	if !slices.Contains(m.doubts[k.rest], k.place) {
		return false // too many: who cannot be remembered must not be asked for ever
	}
	return slices.ContainsFunc(m.all, func(p *place) bool {
		return p.out == nil && !slices.Contains(m.doubts[k.rest], p)
	})
}

func (c *Client) distrust(reason string) *Distrust {
	return &Distrust{Since: c.o.Now(), Reason: bound(c.secrets.Replace(clean(reason)), maxDetail)}
}

// distrusted tells that a mirror is out for good.
func (c *Client) distrusted(p *place) {
	c.places.mu.Lock()
	out := p.out
	if p.told {
		out = nil
	}
	p.told = true
	c.places.mu.Unlock()
	if out != nil && c.o.Distrusted != nil {
		c.o.Distrusted(p.shown(), *out)
	}
}

// shown is the place's URL as it was configured, without a slash at its end, query and fragment.
func (p *place) shown() string { return strings.TrimRight(p.url.String(), "/") }

// Distrust puts a mirror out, by its URL or one below it, until Trust. It says whether there is such a
// mirror.
func (c *Client) Distrust(u, reason string) bool {
	p := c.mirrorAt(u)
	if p == nil {
		return false
	}
	c.places.mu.Lock()
	p.out, p.told = c.distrust(reason), false
	c.places.mu.Unlock()
	c.distrusted(p)
	return true
}

// Trust has a mirror asked again.
func (c *Client) Trust(u string) bool {
	p := c.mirrorAt(u)
	if p == nil {
		return false
	}
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	p.out, p.told = nil, false
	return true
}
