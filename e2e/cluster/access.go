package cluster

import (
	"fmt"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is the path of the administrator's kubeconfig; its context is "test".
func (c *Cluster) Kubeconfig() string { return c.file(adminConfig) }

// KubeconfigFor is the path of a kubeconfig with a token of a ServiceAccount.
func (c *Cluster) KubeconfigFor(t testing.TB, namespace, account string) string {
	t.Helper()
	name := fmt.Sprintf("%s-%s-%s.kubeconfig", namespace, account, rand.String(5))
	token := c.Token(t, namespace, account, "", "")
	if err := c.writeKubeconfig(name, &clientcmdapi.AuthInfo{Token: token}); err != nil {
		t.Fatal(err)
	}
	return c.file(name)
}

// Token is a token of a ServiceAccount, good for an hour: by TokenRequest, for an
// audience ("" is the API server itself) and bound to a Pod of the account ("" is
// none).
func (c *Cluster) Token(t testing.TB, namespace, account, audience, pod string) string {
	t.Helper()
	limited, cancel := ctx()
	defer cancel()
	request := &authenticationv1.TokenRequest{}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	if pod != "" {
		p, err := c.client.CoreV1().Pods(namespace).Get(limited, pod, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod, UID: p.UID,
		}
	}
	out, err := c.client.CoreV1().ServiceAccounts(namespace).CreateToken(limited, account, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("token of %s/%s: %v", namespace, account, err)
	}
	return out.Status.Token
}

// Namespace makes a namespace that is deleted after the test, and returns its name
// once it has its default ServiceAccount: prefix itself in the test's own cluster,
// prefix and a random end in a shared one.
func (c *Cluster) Namespace(t testing.TB, prefix string) string {
	t.Helper()
	name := prefix
	if c.shared {
		name += "-" + rand.String(5)
	}
	limited, cancel := ctx()
	defer cancel()
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.client.CoreV1().Namespaces().Create(limited, n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if c.shared {
		t.Cleanup(func() { c.deleteNamespace(t, name) })
	}
	if !c.options.NoControllers {
		Eventually(t, patience, func() error { return c.hasDefaultAccount(name) })
	}
	return name
}

func (c *Cluster) deleteNamespace(t testing.TB, name string) {
	limited, cancel := ctx()
	defer cancel()
	err := c.client.CoreV1().Namespaces().Delete(limited, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
