package main

import (
	"errors"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// bootstrapFlags are the flags of bootstrap.
type bootstrapFlags struct {
	client  clientFlags
	options envoy.BootstrapOptions
	secure  secureFlags
}

func newBootstrap() *cobra.Command {
	var f bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap --id ID --xds HOST:PORT",
		Short: "Print what a client starts with",
		Long: `bootstrap prints a ready Envoy bootstrap: who the client is, and where coastwise
serves. Everything else comes from there, by delta ADS. With --kind grpc it is
what a proxyless gRPC client finds in the file that GRPC_XDS_BOOTSTRAP names.

The flags are claims. The server checks them against the Pods and Nodes that it
knows: the Node of the pod NAMESPACE/ID decides where the client is.

` + secureUsage + `

All of an Envoy's ports are on --bind, so that many can share a host, but for its admin
port: where --bind is not loopback that is on 127.0.0.1, unless --admin-bind says where. A gRPC
client has none, and --bind, --http-proxy-port, --admin-port and --admin-bind mean nothing to it.`,
		Example: `  coastwise bootstrap --id client-0 --locality eu/eu-1 --xds 127.0.0.1:15010 > client-0.yaml
  envoy --use-dynamic-base-id -c client-0.yaml

  # Beyond loopback: the token of the pod says who the client is.
  coastwise bootstrap --id "$POD_NAME" --namespace "$POD_NAMESPACE" --xds coastwise.coastwise-system.svc:15010 \
    --ca /var/run/coastwise/ca.crt --token-file /var/run/coastwise/token --sds-dir /etc/envoy > /etc/envoy/envoy.yaml

  # A second client on the same host.
  coastwise bootstrap --id client-1 --locality us/us-1 --bind 127.0.0.2 --xds 127.0.0.1:15010

  # A gRPC client, which then dials xds:///reviews:80.
  coastwise bootstrap --kind grpc --id client-2 --locality eu/eu-1 --xds 127.0.0.1:15010 > grpc.json
  GRPC_XDS_BOOTSTRAP=grpc.json my-client`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := f.text()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.XDS, "xds", "", "xDS port of coastwise as the client reaches it: HOST:PORT")
	flags.Uint32Var(&f.options.AdminPort, "admin-port", 15000, "Envoy's own admin port")
	flags.StringVar(&f.options.AdminBind, "admin-bind", "", "address of the admin port, which stops the Envoy for whoever reaches it (default --bind if that is loopback, else 127.0.0.1)")
	f.secure.add(cmd)
	f.client.add(flags)
	f.client.completion(cmd)
	completeNothing(cmd, "node", "xds", "admin-port", "admin-bind")
	return cmd
}

// text makes the bootstrap; the error lists every flag that is wrong.
func (f *bootstrapFlags) text() ([]byte, error) {
	errs := &multierror.Error{ErrorFormat: lines}
	claims, err := f.client.proxy()
	if err != nil {
		errs = multierror.Append(errs, errorsOf(err)...)
	}
	if f.client.id == "" {
		errs = multierror.Append(errs, errors.New("--id: missing: the name of the client"))
	}
	if f.options.XDS == "" {
		errs = multierror.Append(errs, errors.New("--xds: missing: HOST:PORT of coastwise's xDS port"))
	}
	errs = multierror.Append(errs, f.secure.empty()...)
	if errs.ErrorOrNil() != nil {
		return nil, usageError{errs}
	}
	text, err := f.write(claims)
	if wrong, ok := errors.AsType[*multierror.Error](err); ok {
		wrong.ErrorFormat = lines
		return nil, usageError{wrong}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

func (f *bootstrapFlags) write(claims model.Proxy) ([]byte, error) {
	f.options.TLS = f.secure.tls
	if claims.Kind == model.GRPC {
		return envoy.GRPCBootstrap(claims, f.options.XDS, f.options.TLS)
	}
	text, err := envoy.Bootstrap(claims, f.options)
	if err != nil {
		return nil, err
	}
	return text, f.secure.writeSecrets()
}
