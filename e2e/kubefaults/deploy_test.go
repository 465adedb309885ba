package kubefaults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// deploy/ is accepted as a whole by an API server that knows every field and warns of
// whatever breaks the restricted pod security; a Pod of its Deployment is admitted
// where that is enforced, and one that would run as root is not.
func TestDeploy(t *testing.T) {
	c := shared.For(t)
	prepareShared(t, c)
	c.Kubectl(t, "label", "--overwrite", "namespace", "coastwise-system", "pod-security.kubernetes.io/warn=restricted")
	if level := c.Kubectl(t, "get", "namespace", "coastwise-system", "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`); level != "restricted" {
		t.Fatalf("the namespace enforces %q", level)
	}
	folder := filepath.Dir(deployed(t, "kustomization.yaml"))
	r := c.TryKubectl(t, "", "apply", "-k", folder, "--dry-run=server", "--validate=strict")
	if r.Code != 0 || r.Stderr != "" {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	for _, object := range []string{"deployment.apps/coastwise", "service/coastwise", "poddisruptionbudget.policy/coastwise", "networkpolicy.networking.k8s.io/coastwise", "clusterrole.rbac.authorization.k8s.io/coastwise"} {
		if !strings.Contains(r.Stdout, object) {
			t.Errorf("%s is not in what was applied: %s", object, r.Stdout)
		}
	}

	pods := c.Client().CoreV1().Pods("coastwise-system")
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	pod := deploymentPod(t)
	if _, err := pods.Create(t.Context(), pod, dry); err != nil {
		t.Errorf("a Pod of the Deployment: %v", err)
	}
	pod.Spec.SecurityContext.RunAsNonRoot = nil
	if _, err := pods.Create(t.Context(), pod, dry); err == nil || !strings.Contains(err.Error(), "runAsNonRoot") {
		t.Errorf("a Pod that may run as root: %v", err)
	}
}

// deploymentPod is a Pod as the Deployment in deploy/ makes it.
func deploymentPod(t *testing.T) *corev1.Pod {
	t.Helper()
	content, err := os.ReadFile(deployed(t, "coastwise.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range strings.Split(string(content), "\n---\n") {
		var d appsv1.Deployment
		if err := yaml.Unmarshal([]byte(document), &d); err == nil && d.Kind == "Deployment" {
			return &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "coastwise", Labels: d.Spec.Template.Labels},
				Spec:       d.Spec.Template.Spec,
			}
		}
	}
	t.Fatal("deploy/coastwise.yaml has no Deployment")
	return nil
}
