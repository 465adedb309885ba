package store

import (
	"iter"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// entryIndex finds ServiceEntries by the hosts that they declare.
type entryIndex struct {
	byName map[objectName]*v1alpha1.ServiceEntry
	hosts  map[string]map[string]map[string]*v1alpha1.ServiceEntry // host → namespace → name
}

func newEntryIndex() entryIndex {
	return entryIndex{
		byName: map[objectName]*v1alpha1.ServiceEntry{},
		hosts:  map[string]map[string]map[string]*v1alpha1.ServiceEntry{},
	}
}

// declare says whether some entry has exactly this host.
func (x entryIndex) declare(host string) bool { return len(x.hosts[host]) > 0 }

// keys are those of the services that entries make of a host, in no order.
func (x entryIndex) keys(host string) iter.Seq[model.Key] {
	return func(yield func(model.Key) bool) {
		for namespace := range x.hosts[host] {
			if !yield(model.Key{Namespace: namespace, Host: host}) {
				return
			}
		}
	}
}

// add puts an entry under one of its hosts.
func (x entryIndex) add(host string, e *v1alpha1.ServiceEntry) {
	if x.hosts[host] == nil {
		x.hosts[host] = map[string]map[string]*v1alpha1.ServiceEntry{}
	}
	if x.hosts[host][e.Namespace] == nil {
		x.hosts[host][e.Namespace] = map[string]*v1alpha1.ServiceEntry{}
	}
	x.hosts[host][e.Namespace][entryName(e)] = e
}

// drop is the inverse of add.
func (x entryIndex) drop(host string, e *v1alpha1.ServiceEntry) {
	delete(x.hosts[host][e.Namespace], entryName(e))
	if len(x.hosts[host][e.Namespace]) == 0 {
		delete(x.hosts[host], e.Namespace)
	}
	if len(x.hosts[host]) == 0 {
		delete(x.hosts, host)
	}
}

// entryName is the name of an entry among those of both groups.
func entryName(e *v1alpha1.ServiceEntry) string {
	return nameOf(model.ObjectRef{Kind: v1alpha1.KindOf(e.APIVersion, v1alpha1.KindServiceEntry), Name: e.Name}).name
}

func (s *Store) setEntry(name objectName, entry *v1alpha1.ServiceEntry) {
	old, changed := put(s.entries.byName, name, entry)
	if !changed {
		return
	}
	if old != nil {
		s.unselect(name)
		s.labelEntry(name, old, false)
		for _, host := range old.Spec.Hosts {
			s.entries.drop(host, old)
			s.markHost(old, host, -1)
		}
	}
	if entry != nil {
		s.labelEntry(name, entry, true)
		for _, host := range entry.Spec.Hosts {
			s.entries.add(host, entry)
			s.markHost(entry, host, +1)
		}
		if entry.Spec.WorkloadSelector != nil {
			s.selectAll(name, entry)
		}
	}
}

// markHost marks what hangs on an entry's having a host: the service itself, and
// those whose rules mean this host only while an entry has it. For others that have
// it too nothing changes.
func (s *Store) markHost(e *v1alpha1.ServiceEntry, host string, by int) {
	key := model.Key{Namespace: e.Namespace, Host: host}
	s.known.add(e.Namespace, key, by)
	s.marks.key(key)
	service, wildcard := ingest.RuleKey("", host)
	if !wildcard && len(s.routes.ofService[service]) > 0 {
		s.marks.key(service) // with a route as all that makes it known
	}
	if len(s.rules.exact[host]) == 0 {
		return
	}
	s.marks.key(model.Key{Host: host})
	if !wildcard {
		s.marks.key(service)
		s.marks.all(s.entries.keys(service.Host))
	}
}

// addEntries is what is known of the entries of a key, oldest first, and of the
// workloads that the oldest selects.
func (s *Store) addEntries(o *ingest.Objects) {
	o.Declared = o.Service == nil && s.entries.declare(o.Key.Host)
	for _, e := range s.entries.hosts[o.Key.Host][o.Key.Namespace] {
		o.Entries = append(o.Entries, e)
	}
	if len(o.Entries) == 0 {
		return
	}
	ingest.SortEntries(o.Entries)
	if service, wildcard := ingest.RuleKey("", o.Key.Host); !wildcard && service.Host == o.Key.Host {
		if owner := s.services[service]; owner != nil {
			o.Owner = model.ObjectRef{Kind: "Service", Namespace: owner.Namespace, Name: owner.Name}
		}
	}
	o.Selected, o.Workloads = s.selected(o.Entries[0])
}
