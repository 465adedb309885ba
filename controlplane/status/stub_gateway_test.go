package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// serveGatewayAPI takes the status of a kind of the Gateway API as an API server does:
// an apply unites lists by their keys, a merge replaces them.
func (a *api) serveGatewayAPI(w http.ResponseWriter, r *http.Request, o *Object, body []byte) {
	wanted := "application/apply-patch+yaml"
	var status any
	switch is := o.Whole.(type) {
	case *gatewayv1.HTTPRoute:
		is = is.DeepCopy() // what a watch has given out nobody changes
		o.Whole, status, wanted = is, &is.Status, "application/merge-patch+json"
	case *gatewayv1.Gateway:
		is = is.DeepCopy()
		o.Whole, status = is, &is.Status
		others := slices.DeleteFunc(is.Status.Conditions, func(c metav1.Condition) bool { return c.Type == Accepted || c.Type == Programmed })
		is.Status = gatewayv1.GatewayStatus{}
		defer func() { is.Status.Conditions = append(is.Status.Conditions, others...) }()
	case *gatewayv1.GatewayClass:
		is = is.DeepCopy()
		o.Whole, status = is, &is.Status
	}
	if forced := r.URL.Query().Get("force") == "true"; r.Header.Get("Content-Type") != wanted || forced != (wanted == "application/apply-patch+yaml") {
		panic(fmt.Sprint(r.Method, r.Header, r.URL))
	}
	sent := struct{ Status any }{status}
	if err := json.Unmarshal(body, &sent); err != nil {
		panic(err)
	}
	a.version++
	o.ResourceVersion = strconv.Itoa(a.version)
	a.patches = append(a.patches, patch{o.Ref, r.UserAgent(), time.Now()})
	answer(w, map[string]any{"kind": o.Ref.Kind, "apiVersion": gatewayv1.GroupVersion.String(), "metadata": map[string]any{"name": o.Ref.Name}})
}
