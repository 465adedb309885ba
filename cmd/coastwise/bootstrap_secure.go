package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/coastwise/coastwise/translate/envoy"
)

// secureUsage is the part of bootstrap's help about verified clients.
const secureUsage = `Where serve has --tls-cert, give --ca, and --cert and --key or --token-file. All are
read by the client, and not by bootstrap, which writes paths. Envoy reads them again
when they change by files that are written to --sds-dir and must stay there. A gRPC
client does so by itself; it takes a --token-file only if it runs with
GRPC_EXPERIMENTAL_XDS_BOOTSTRAP_CALL_CREDS=true (grpc-go 1.85).`

// secureFlags are the flags of bootstrap about TLS and tokens.
type secureFlags struct {
	tls   envoy.ServerTLS
	given *pflag.FlagSet
}

func (f *secureFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given = flags
	flags.StringVar(&f.tls.CA, "ca", "", "who signs the certificate of the xDS port, PEM")
	flags.StringVar(&f.tls.Cert, "cert", "", "certificate that the client shows, PEM")
	flags.StringVar(&f.tls.Key, "key", "", "private key of --cert, PEM")
	flags.StringVar(&f.tls.Token, "token-file", "", "service-account token of the client's pod, instead of --cert")
	flags.StringVar(&f.tls.ServerName, "server-name", "", "name in the certificate of the xDS port (default: the host of --xds)")
	flags.StringVar(&f.tls.SDSDir, "sds-dir", "", "folder, as Envoy sees it too, for the files that name --ca, --cert, --key and --token-file")
	completeNothing(cmd, "server-name")
}

// empty names the flags that were given and say nothing.
func (f *secureFlags) empty() []error {
	var errs []error
	for _, name := range []string{"ca", "cert", "key", "token-file", "server-name", "sds-dir"} {
		if flag := f.given.Lookup(name); flag.Changed && flag.Value.String() == "" {
			errs = append(errs, fmt.Errorf("--%s: empty", name))
		}
	}
	return errs
}

// writeSecrets writes the files of --sds-dir, each at once: an Envoy may follow them.
func (f *secureFlags) writeSecrets() error {
	secrets, err := envoy.Secrets(f.tls)
	if err != nil {
		return err
	}
	for _, s := range secrets {
		path := filepath.Join(f.tls.SDSDir, s.Name)
		if err := os.WriteFile(path+".new", s.YAML, 0o644); err != nil { //nolint:gosec // it holds paths, and Envoy is another user
			return fmt.Errorf("--sds-dir: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return fmt.Errorf("--sds-dir: %w", err)
		}
	}
	return nil
}
