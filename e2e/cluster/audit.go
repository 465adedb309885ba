package cluster

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// Request is one entry of the audit log, as audit.k8s.io/v1 names its fields.
type Request struct {
	User, UserAgent string
	// Verb is as in RBAC: get, list, watch, create, update, patch, delete, ….
	Verb string
	// Group, Resource and Subresource are as in RBAC; Resource is empty for a path
	// such as /readyz.
	Group, Resource, Subresource string
	Namespace, Name              string
	URI                          string
	// Code is the HTTP status; 0 where the stage has none.
	Code int
	// Denied says that the authorizer refused: 403 may also be an admission's, as in a
	// namespace that is being deleted.
	Denied bool
	// Stage is ResponseComplete, or ResponseStarted for a watch that runs, or Panic.
	Stage string
}

// event is an audit entry as it is logged.
type event struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	UserAgent  string `json:"userAgent"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	Stage      string `json:"stage"`
	Object     struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Response struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// AuditLog is every request since the cluster's start, over restarts, in the order of
// the log.
func (c *Cluster) AuditLog(t testing.TB) []Request {
	t.Helper()
	content, err := os.ReadFile(c.file(auditLog))
	if err != nil {
		t.Fatal(err)
	}
	// The last line may be half written.
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	var out []Request
	for line := range bytes.Lines(content) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in audit entry %s", err, line)
		}
		out = append(out, Request{
			User: e.User.Username, UserAgent: e.UserAgent, Verb: e.Verb, URI: e.RequestURI, Stage: e.Stage,
			Group: e.Object.APIGroup, Resource: e.Object.Resource, Subresource: e.Object.Subresource,
			Namespace: e.Object.Namespace, Name: e.Object.Name, Code: e.Response.Code,
			Denied: e.Annotations["authorization.k8s.io/decision"] == "forbid",
		})
	}
	return out
}

// AuditOf is the entries of one ServiceAccount.
func (c *Cluster) AuditOf(t testing.TB, namespace, account string) []Request {
	t.Helper()
	var out []Request
	for _, r := range c.AuditLog(t) {
		if r.User == "system:serviceaccount:"+namespace+":"+account {
			out = append(out, r)
		}
	}
	return out
}
