package cluster

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/coastwise/coastwise/e2e/authority"
)

// Names of files in the cluster's folder.
const (
	caFile         = "ca.pem"
	servingCert    = "serving.pem"
	servingKey     = "serving-key.pem"
	accountKey     = "service-account-key.pem"
	auditPolicy    = "audit-policy.yaml"
	auditLog       = "audit.json"
	adminConfig    = "admin.kubeconfig"
	managerConfig  = "controller-manager.kubeconfig"
	etcdData       = "etcd"
	policyContents = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`
)

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

// writeFiles writes keys, certificates, kubeconfigs and the audit policy, and makes
// the administrator's clients.
func (c *Cluster) writeFiles() error {
	ca, err := authority.New("coastwise-e2e")
	if err != nil {
		return err
	}
	account, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	bare, err := x509.MarshalPKCS8PrivateKey(account)
	if err != nil {
		return err
	}
	cert, key := ca.IssueTo(authority.Holder{
		Subject: pkix.Name{CommonName: "kube-apiserver"},
		DNS:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPs:     []net.IP{net.ParseIP(c.block.Address(apiX, apiY))},
	})
	for name, content := range map[string][]byte{
		caFile: ca.PEM(), servingCert: cert, servingKey: key, auditPolicy: []byte(policyContents),
		accountKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare}),
	} {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	if err := c.writeUser(ca, managerConfig, pkix.Name{CommonName: "system:kube-controller-manager"}); err != nil {
		return err
	}
	admin := pkix.Name{CommonName: "kubernetes-admin", Organization: []string{"system:masters"}}
	if err := c.writeUser(ca, adminConfig, admin); err != nil {
		return err
	}
	return c.makeClients()
}

// writeUser writes the kubeconfig of a user who has a client certificate.
func (c *Cluster) writeUser(ca *authority.Authority, name string, user pkix.Name) error {
	cert, key := ca.IssueTo(authority.Holder{Subject: user})
	return c.writeKubeconfig(name, &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key})
}

// writeKubeconfig writes a kubeconfig with one context, "test".
func (c *Cluster) writeKubeconfig(name string, user *clientcmdapi.AuthInfo) error {
	ca, err := os.ReadFile(c.file(caFile))
	if err != nil {
		return err
	}
	k := clientcmdapi.NewConfig()
	k.Clusters["test"] = &clientcmdapi.Cluster{Server: c.URL(), CertificateAuthorityData: ca}
	k.AuthInfos["test"] = user
	k.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	k.CurrentContext = "test"
	return clientcmd.WriteToFile(*k, c.file(name))
}

func (c *Cluster) makeClients() error {
	config, err := clientcmd.BuildConfigFromFlags("", c.file(adminConfig))
	if err != nil {
		return err
	}
	config.QPS = -1
	config.UserAgent = "coastwise-e2e"
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	c.dynamic, err = dynamic.NewForConfig(config)
	c.config = config
	return err
}
