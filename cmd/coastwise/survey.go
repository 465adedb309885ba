package main

import (
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/lint"
	"github.com/coastwise/coastwise/translate/model"
)

// survey makes services of all that is in a store, and collects the problems of
// what every client gets.
func survey(st *store.Store, grpc bool) (lint.Mesh, []model.Problem) {
	var mesh lint.Mesh
	problems := st.Problems()
	all := ingestAll(st)
	mesh.Services = all.services
	problems = append(problems, all.problemsOf(question{}, model.Key{})...)
	scopes := map[string]string{}
	for _, c := range st.Admitted() {
		mesh.Objects = append(mesh.Objects, lint.Object{Ref: c.Ref, Object: c.Object})
	}
	for _, name := range st.Namespaces() {
		scopes[name] = translate.NamespaceScope(st.Namespace(name))
	}
	problems = append(problems, translate.Survey(mesh.Services, st.Nodes(), scopes, grpc)...)
	return mesh, model.SortProblems(append(problems, podWaypoints(st)...))
}

// podWaypoints are the problems of labels of Pods, which ztunnels read.
func podWaypoints(st *store.Store) []model.Problem {
	var out []model.Problem
	for _, name := range st.Workloads() {
		pod, _ := st.Workload(name)
		out = append(out, ingest.PodWaypoint(pod, st.GatewayObjects)...)
	}
	return out
}
