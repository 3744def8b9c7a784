package semver

// Intersects says whether some version can satisfy both, as npm's Range.intersects with the
// options of r. Like npm's it looks at pairs of comparators: it is right for all but odd ranges,
// and a prerelease alone does not intersect "*", while "*" intersects it.
//
// It takes time proportional to the product of both numbers of comparators.
func (r Range) Intersects(o Range) bool {
	if r.d == nil || o.d == nil {
		return false
	}
	others := make([][]comparator, 0, o.d.sets())
	for i := range o.d.sets() {
		if set := o.d.set(i); satisfiable(set, r.d.pre) {
			others = append(others, set)
		}
	}
	for i := range r.d.sets() {
		set := r.d.set(i)
		if !satisfiable(set, r.d.pre) {
			continue
		}
		for _, other := range others {
			if intersect(set, other, r.d.pre) {
				return true
			}
		}
	}
	return false
}

// satisfiable says that each comparator of a set intersects every one before it.
func satisfiable(set []comparator, pre bool) bool {
	for i := len(set) - 1; i > 0; i-- {
		for j := range set[:i] {
			if !set[i].intersects(&set[j], pre) {
				return false
			}
		}
	}
	return true
}

// intersect says that all comparators of two sets intersect each other.
func intersect(a, b []comparator, pre bool) bool {
	switch {
	case len(a) == 0:
		return true
	case len(b) == 0:
		return intersectAny(a, pre)
	}
	for i := range a {
		for j := range b {
			if !a[i].intersects(&b[j], pre) {
				return false
			}
		}
	}
	return true
}

// intersectAny says that a set intersects that of any version, which has no prereleases.
func intersectAny(set []comparator, pre bool) bool {
	for i := range set {
		if set[i].op == equal && set[i].pre != "" && !pre {
			return false
		}
	}
	return true
}

// intersects says whether some version is within both bounds.
func (c *comparator) intersects(o *comparator, pre bool) bool {
	switch {
	case c.op == equal:
		return o.admits(c, pre)
	case o.op == equal:
		return c.admits(o, pre)
	case c.bottom(pre) || o.bottom(pre):
		return false
	case c.op.lower() && o.op.lower(), c.op.upper() && o.op.upper():
		return true
	case c.op.inclusive() && o.op.inclusive() && c.sameVersion(o):
		return true
	}
	a, b := c.version(), o.version()
	if c.op.lower() {
		return compare(&a, &b) < 0
	}
	return compare(&a, &b) > 0
}

// admits says that the version of o satisfies the range that c alone is.
func (c *comparator) admits(o *comparator, pre bool) bool {
	v := o.version()
	return c.test(&v) && (v.pre == "" || pre || c.allows(&v))
}

// bottom says that nothing can be lower than the bound.
func (c *comparator) bottom(pre bool) bool {
	if pre {
		return *c == nothing
	}
	return c.op == less && c.major == 0 && c.minor == 0 && c.patch == 0
}

// sameVersion says that both compare with the same version, by its spelling.
func (c *comparator) sameVersion(o *comparator) bool {
	return c.major == o.major && c.minor == o.minor && c.patch == o.patch && c.pre == o.pre
}
