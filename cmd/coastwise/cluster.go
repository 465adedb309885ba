package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// clusterFlags say which API server, in kubectl's words. Without any it is what kubectl
// would take: $KUBECONFIG, ~/.kube/config, or the cluster of this Pod.
type clusterFlags struct{ kubeconfig, context, namespace string }

func (f *clusterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: as kubectl finds it)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default: its current one)")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the object (default: the context's)")
	completeNothing(cmd, "namespace")
	complete(cmd, "context", func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return offer(f.contexts(), typed)
	})
}

func (f *clusterFlags) config() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
}

// contexts are the names that --context may have.
func (f *clusterFlags) contexts() []string {
	raw, err := f.config().RawConfig()
	if err != nil {
		return nil
	}
	var names []string
	for name := range raw.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// connect makes a client, and says which namespace is meant. That no API server is
// named is wrong usage; nothing is sent yet.
func (f *clusterFlags) connect() (_ dynamic.Interface, server, namespace string, err error) {
	config, err := f.config().ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", "", usagef("no kubeconfig is found, and this is no Pod: give --kubeconfig FILE")
	}
	if err != nil {
		return nil, "", "", usagef("kubeconfig: %w", err)
	}
	if namespace, _, err = f.config().Namespace(); err != nil {
		return nil, "", "", usagef("kubeconfig: %w", err)
	}
	config.WarningHandlerWithContext = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, "", "", usagef("kubeconfig: %w", err)
	}
	return client, config.Host, namespace, nil
}

// noAPIError says that the API server does not answer: exit code 5.
type noAPIError struct {
	server string
	err    error
}

func (e noAPIError) Error() string {
	return fmt.Sprintf("the API server %s does not answer: %v", e.server, e.err)
}

func (e noAPIError) Unwrap() error { return e.err }

// unanswered says that an error is nobody's answer.
func unanswered(err error) bool {
	answer := apierrors.APIStatus(nil)
	if errors.As(err, &answer) {
		code := answer.Status().Code
		return code >= 500 // it is there, or something before it is, but serves nothing
	}
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded)
}
