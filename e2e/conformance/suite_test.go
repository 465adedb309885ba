package conformance

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/apis/v1beta1"
	upstream "sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"

	"github.com/coastwise/coastwise/e2e/cluster"
)

var (
	full = flag.Bool("full", false, "run the whole suite, not only the smoke part")
	only = flag.String("only", "", "run these tests of the suite alone, by name, with commas between")
)

// smoke are some tests of the core: statuses, routes, TLS, gRPC.
var smoke = []string{
	"GatewayInvalidTLSConfiguration", "GRPCExactMethodMatching", "HTTPRouteHTTPSListener", "HTTPRouteMatchingAcrossRoutes", "HTTPRouteSimpleSameNamespace",
}

// TestConformance runs the suite's tests of the profiles GATEWAY-HTTP and GATEWAY-GRPC:
// the smoke part, or with -full all, and prints the report.
func TestConformance(t *testing.T) {
	start := time.Now()
	log.SetLogger(logr.Discard())
	s, err := suite.NewConformanceTestSuite(options(t, newLab(t)))
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := choose()
	if err != nil {
		t.Fatal(err)
	}
	s.Setup(t, chosen)
	t.Run("suite", func(t *testing.T) {
		if err := s.Run(t, chosen); err != nil {
			t.Fatal(err)
		}
	})
	report, err := s.Report()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Print(table(report))
	fmt.Printf("%d tests in %s\n", len(chosen), time.Since(start).Round(time.Second))
	if *full && *only == "" {
		documented(t, report)
	}
}

// documented holds docs/gateway-api.md to a report of the whole suite.
func documented(t *testing.T, report *confv1.ConformanceReport) {
	t.Helper()
	page, err := os.ReadFile("../../docs/gateway-api.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(table(report)) {
		if strings.HasPrefix(line, "|") && !strings.Contains(string(page), line) {
			t.Errorf("docs/gateway-api.md does not say: %s", line)
		}
	}
}

// choose are the tests to run; one that does not exist is an error.
func choose() ([]suite.ConformanceTest, error) {
	names := smoke
	switch {
	case *only != "":
		names = strings.Split(*only, ",")
	case *full:
		return tests.ConformanceTests, nil
	}
	var out []suite.ConformanceTest
	for _, name := range names {
		i := slices.IndexFunc(tests.ConformanceTests, func(c suite.ConformanceTest) bool { return c.ShortName == name })
		if i < 0 {
			return nil, errors.New("the suite has no test " + name)
		}
		out = append(out, tests.ConformanceTests[i])
	}
	return out, nil
}

// options holds us to the features that the status of the class names.
func options(t *testing.T, c *cluster.Cluster) suite.ConformanceOptions {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, gatewayv1.Install, v1beta1.Install,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	o := client.Options{Scheme: scheme}
	made, err := client.New(c.Config(), o)
	if err != nil {
		t.Fatal(err)
	}
	return suite.ConformanceOptions{
		ConfigurableOptions: suite.ConfigurableOptions{
			GatewayClassName: className, CleanupTestResources: true,
			ConformanceProfiles: []suite.ConformanceProfileName{suite.GatewayHTTPConformanceProfileName, suite.GatewayGRPCConformanceProfileName},
			Implementation:      confv1.Implementation{Organization: "coastwise", Project: "coastwise"},
		},
		Client: made, ClientOptions: o, Clientset: kubernetes.NewForConfigOrDie(c.Config()), RestConfig: c.Config(),
		ManifestFS: []fs.FS{&upstream.Manifests},
	}
}
