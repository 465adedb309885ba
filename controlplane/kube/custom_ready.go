package kube

import (
	"cmp"
	"slices"
	"time"
)

// settle notes when all kinds that are there have been read once. That stays so,
// whatever comes later.
func (c *custom) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready || len(c.waiting()) > 0 {
		return
	}
	c.ready = true
	close(c.done)
}

// synced says whether all kinds that were there at the start have been read.
func (c *custom) synced() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// unread names each kind that readiness waits for, and why; or discovery, where that
// does not tell which there are. Sorted.
func (c *custom) unread() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, k := range c.waiting() {
		subject, why := k.String(), "the API server does not say whether it is there"
		switch st := c.kinds[k]; {
		case st != nil && st.denied:
			why = "reading it is forbidden"
		case st != nil:
			why = st.resource.why()
		case c.link.troubles.of(discoverySubject) != "":
			subject, why = discoverySubject, cmp.Or(c.link.troubles.of(serverSubject), c.link.troubles.of(discoverySubject))
		}
		lines = append(lines, subject+": "+why)
	}
	return slices.Compact(slices.Sorted(slices.Values(lines)))
}

// missing are the kinds of ours that the API server does not have. Sorted.
func (c *custom) missing() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, k := range crds() {
		if st := c.kinds[k]; k.ours() && st != nil && st.version == "" {
			out = append(out, k.String())
		}
	}
	slices.Sort(out)
	return out
}

// waiting are the kinds of which it is not known whether they are there, and those
// that are and have not been read. Others' than ours, where we may not read them, are not
// waited for: whoever wants them grants the right.
func (c *custom) waiting() []crd {
	return slices.DeleteFunc(crds(), func(k crd) bool {
		st := c.kinds[k]
		return st != nil && (st.version == "" || st.synced || st.denied && !k.ours())
	})
}

// denied notes that the API server forbids to read a kind, and says when to ask
// again. Once is no news: one that starts forbids everything until it has read who may
// what. Nor is it for a kind that has been read: what it gave stays.
func (c *custom) denied(from *customSink, err error) (respite time.Duration, told bool) {
	k := from.kind
	c.mu.Lock()
	st := c.kinds[k]
	if from.deaf || st.synced {
		c.mu.Unlock()
		return 0, false
	}
	first, known := !st.doubted, st.denied
	st.doubted, st.denied = true, known || !first
	c.mu.Unlock()
	switch {
	case first:
		return c.times.Doubt, true
	case known:
	case k.ours():
		c.log.Error("reading a kind of ours is forbidden; grant list and watch on it to coastwise's account (deploy/rbac.yaml)",
			"kind", k.String(), "error", err)
	case k.ofGateway():
		c.log.Warn("the Gateway API is installed, but reading a kind of it is forbidden, so its objects have no effect; "+
			"grant list and watch on it to coastwise's account (deploy/rbac.yaml), which is noticed without a restart", "kind", k.String(), "error", err)
	default:
		c.log.Warn("Istio's CRD is installed, but reading its objects is forbidden, so they have no effect; "+
			"grant list and watch on it to coastwise's account (deploy/rbac-istio.yaml), which is noticed without a restart", "kind", k.String(), "error", err)
	}
	c.settle()
	if k.ours() {
		return 0, true
	}
	return c.times.Denied, true
}
