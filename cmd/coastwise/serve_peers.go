package main

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/controlplane"
)

// Where a replica learns which Pod it is.
const (
	podNamespaceEnv = "POD_NAMESPACE"
	podNameEnv      = "POD_NAME"
)

// replicaFlags are those of serve about the other replicas, and about its end.
type replicaFlags struct {
	peer, token           string
	drainDelay, drainTime time.Duration
}

func (f *replicaFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.peer, "peer", "", "address where other replicas ask this one, the same port for all (default: off)")
	flags.StringVar(&f.token, "peer-token-file", "/var/run/secrets/coastwise/token", "service-account token that the other replicas are asked with, if it is there")
	flags.DurationVar(&f.drainDelay, "drain-delay", 0, "how long to serve on, not ready, once told to end")
	flags.DurationVar(&f.drainTime, "drain-time", 5*time.Second, "over how long the proxies are then told to go")
	completeNothing(cmd, "peer", "drain-delay", "drain-time")
}

// config reads the flags and the environment.
func (f *replicaFlags) config(p process) controlplane.ReplicaConfig {
	namespace, _ := p.env(podNamespaceEnv)
	name, inside := p.env(podNameEnv)
	return controlplane.ReplicaConfig{
		Namespace: cmp.Or(namespace, controlplane.DefaultNamespace), Name: cmp.Or(name, nameOfProcess()), Version: buildVersion(), Outside: !inside,
		Peer: f.peer, TokenFile: f.token, DrainDelay: f.drainDelay, DrainTime: f.drainTime,
	}
}

// nameOfProcess is HOST-PID: no other process has it now.
func nameOfProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
