package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// discoveryLimit bounds how long one question to the API server may take.
const discoveryLimit = 10 * time.Second

// discovery asks an API server which kinds it serves. That needs no right but that
// of every account: system:discovery.
type discovery struct{ client rest.Interface }

// sight is what one look has found: the newest version of each resource, "" where
// none is served. A resource that is not in it was not to be seen.
type sight map[crd]string

// look asks for all resources. The error says what was not to be seen; the sight
// holds the rest.
func (d discovery) look(ctx context.Context) (sight, error) {
	ctx, cancel := context.WithTimeout(ctx, discoveryLimit)
	defer cancel()
	// Before the others: an API server that starts answers them before it knows all.
	settled, err := d.settled(ctx)
	if err != nil {
		return nil, err
	}
	var groups metav1.APIGroupList
	if err := d.get(ctx, "/apis", &groups); err != nil {
		return nil, err
	}
	seen := sight{}
	var failed []error
	for _, r := range crds() {
		seen[r] = ""
	}
	failed = append(failed, d.lookInto(ctx, groups, seen))
	for r, version := range seen {
		if version == "" && !settled {
			delete(seen, r)
		}
	}
	return seen, errors.Join(failed...)
}

// lookInto finds each resource in the groups, and takes out those that it cannot
// tell of.
func (d discovery) lookInto(ctx context.Context, groups metav1.APIGroupList, seen sight) error {
	lists := map[string]*metav1.APIResourceList{} // by group and version
	var failed []error
	for _, r := range crds() {
		for _, version := range r.versions() {
			name := r.group + "/" + version
			if !served(groups, r.group, name) {
				continue
			}
			list, asked := lists[name]
			if !asked {
				list = &metav1.APIResourceList{}
				if err := d.get(ctx, "/apis/"+name, list); err != nil {
					failed, list = append(failed, err), nil
				}
				lists[name] = list
			}
			if list == nil { // it may be in this one
				delete(seen, r)
				break
			}
			if slices.ContainsFunc(list.APIResources, func(a metav1.APIResource) bool { return a.Name == r.plural }) {
				seen[r] = version
				break
			}
		}
	}
	return errors.Join(failed...)
}

func served(groups metav1.APIGroupList, group, groupVersion string) bool {
	return slices.ContainsFunc(groups.Groups, func(g metav1.APIGroup) bool {
		return g.Name == group && slices.ContainsFunc(g.Versions, func(v metav1.GroupVersionForDiscovery) bool {
			return v.GroupVersion == groupVersion
		})
	})
}

// settled says whether what discovery does not list is not there: an API server
// that has just started, or is about to stop, does not know all CRDs. One that does
// not tell is taken at its word.
func (d discovery) settled(ctx context.Context) (bool, error) {
	err := d.client.Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error()
	switch {
	case err == nil, apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsNotFound(err):
		return true, nil
	case apierrors.ReasonForError(err) != metav1.StatusReasonUnknown: // it answered
		return false, nil
	}
	return false, fmt.Errorf("/readyz: %w", err)
}

// absent asks for a resource itself: true if the API server says that it serves no
// such thing, and is still settled: one that went away since it was last asked, and
// starts, may say so of all.
func (d discovery) absent(ctx context.Context, r crd, version string) bool {
	ctx, cancel := context.WithTimeout(ctx, discoveryLimit)
	defer cancel()
	answer := d.client.Get().AbsPath("/apis", r.group, version, r.plural).Param("limit", "1").MaxRetries(0).Do(ctx)
	if !apierrors.IsNotFound(answer.Error()) {
		return false
	}
	settled, err := d.settled(ctx)
	return settled && err == nil
}

func (d discovery) get(ctx context.Context, path string, into any) error {
	answer := d.client.Get().AbsPath(path).SetHeader("Accept", "application/json").MaxRetries(0).Do(ctx)
	err := answer.Error()
	if err == nil {
		raw, _ := answer.Raw() // its error was asked for
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("discovery of %s: %w", path, err)
	}
	return nil
}
