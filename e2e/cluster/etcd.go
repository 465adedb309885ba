package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/yaml"
)

func (c *Cluster) etcdURL(port int) string {
	return fmt.Sprintf("http://%s:%d", c.block.Address(etcdX, etcdY), port)
}

func (c *Cluster) startEtcd() error {
	client, peer := c.etcdURL(etcdPort), c.etcdURL(etcdPeerPort)
	p, err := c.run("etcd",
		"--name=test", "--data-dir="+c.file(etcdData), "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=test="+peer,
		"--unsafe-no-fsync")
	if err != nil {
		return err
	}
	c.etcd = p
	return p.Await(time.Now().Add(patience), func() error {
		limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return c.inEtcd(func(kv etcdserverpb.KVClient) error {
			_, err := kv.Range(limited, &etcdserverpb.RangeRequest{Key: []byte("/")})
			return err
		})
	})
}

// inEtcd calls do with a client of etcd's keys.
func (c *Cluster) inEtcd(do func(etcdserverpb.KVClient) error) error {
	target := fmt.Sprintf("%s:%d", c.block.Address(etcdX, etcdY), etcdPort)
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(etcdserverpb.NewKVClient(conn))
}

// WriteRaw writes an object of a custom kind straight into etcd, past schema and
// CEL, as old CRDs and direct writes leave it. plural is the resource's name, such as
// destinationrules; the manifest is YAML or JSON. uid, creationTimestamp and
// generation are filled in where they are missing.
func (c *Cluster) WriteRaw(t testing.TB, plural, manifest string) {
	t.Helper()
	o := &unstructured.Unstructured{}
	// By way of JSON: a generation that is given shall be a whole number.
	text, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	if o.GetUID() == "" {
		o.SetUID(uuid.NewUUID())
	}
	if o.GetCreationTimestamp().Time.IsZero() {
		o.SetCreationTimestamp(metav1.Now())
	}
	if o.GetGeneration() == 0 {
		o.SetGeneration(1)
	}
	value, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatal(err)
	}
	key := path.Join("/registry", o.GroupVersionKind().Group, plural, o.GetNamespace(), o.GetName())
	limited, cancel := ctx()
	defer cancel()
	err = c.inEtcd(func(kv etcdserverpb.KVClient) error {
		_, err := kv.Put(limited, &etcdserverpb.PutRequest{Key: []byte(key), Value: value})
		return err
	})
	if err != nil {
		t.Fatalf("writing %s into etcd: %v", key, err)
	}
}

// Snapshot is a copy of etcd's data at one moment.
type Snapshot string

// SnapshotEtcd copies etcd's data while etcd is down for some 100 ms; kube-apiserver
// waits for it.
func (c *Cluster) SnapshotEtcd(t testing.TB) Snapshot {
	t.Helper()
	c.own(t, "stopping etcd")
	dir, err := os.MkdirTemp(c.dir, "snapshot-")
	if err != nil {
		t.Fatal(err)
	}
	c.etcd.Stop(etcdGrace)
	if err := os.CopyFS(dir, os.DirFS(c.file(etcdData))); err != nil {
		t.Fatal(err)
	}
	if err := c.startEtcd(); err != nil {
		t.Fatal(err)
	}
	return Snapshot(dir)
}

// RestoreEtcd puts etcd back to where the snapshot was taken, as one restores a
// backup: kube-apiserver is stopped before and started after. Resource versions go
// back with the data.
func (c *Cluster) RestoreEtcd(t testing.TB, s Snapshot) {
	t.Helper()
	if !strings.HasPrefix(string(s), c.dir) {
		t.Fatalf("snapshot %s is not of this cluster", s)
	}
	c.apiserver.Stop(apiGrace)
	c.etcd.Stop(etcdGrace)
	if err := os.RemoveAll(c.file(etcdData)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(c.file(etcdData), os.DirFS(string(s))); err != nil {
		t.Fatal(err)
	}
	if err := c.startEtcd(); err != nil {
		t.Fatal(err)
	}
	if err := c.startAPIServer(); err != nil {
		t.Fatal(err)
	}
}
