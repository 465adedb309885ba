package status

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/translate/model"
)

// Config is what statuses are made of, and where they go.
type Config struct {
	// REST is the API server.
	REST *rest.Config
	// Namespace holds the Lease: that of this replica, "" is coastwise-system. Name is
	// this replica's, "" the host's.
	Namespace, Name string
	// Ready says whether everything was read once: before, nothing is said of anybody.
	Ready func() bool
	// Objects are those of our kinds, as they were read last.
	Objects func() []Object
	// Gateways are those of our classes as they act; nil: there are none.
	Gateways func() map[model.GatewayName]*model.GatewayObject
	// Problems are everybody's.
	Problems func() []model.Problem
	// Rollouts asks all replicas how far their proxies are; its context bounds it.
	Rollouts func(context.Context) Rollouts
	// Changed says that something of the above may have changed; nil: look regularly.
	Changed <-chan struct{}
	// Lease says how fast another replica takes over.
	Lease Lease
	// Rate is how many statuses may be written a second, Burst how many at once; as
	// many Events.
	Rate  rate.Limit
	Burst int
	Log   *slog.Logger
}

func (c *Config) gateways() map[model.GatewayName]*model.GatewayObject {
	if c.Gateways == nil {
		return nil
	}
	return c.Gateways()
}

// DefaultNamespace is where the replicas run unless they are told otherwise.
const DefaultNamespace = "coastwise-system"

// Defaults of a Config.
const (
	DefaultRate  rate.Limit = 10
	DefaultBurst int        = 50
)

const (
	// idleTime is how often is looked when nothing says that something changed: how
	// far proxies are comes without a word.
	idleTime = 2 * time.Second
	// askTime bounds asking the replicas: what one refuses shall be seen within 5 s, also
	// while another is silent.
	askTime = 2 * time.Second
	// backoffLimit is the longest pause while the API server takes nothing.
	backoffLimit = 30 * time.Second
)

// Controller writes while it leads.
type Controller struct {
	config   Config
	dynamic  dynamic.Interface
	metadata metadata.Interface
	client   kubernetes.Interface
	election *Election
	metrics  *metrics
	told     told
}

// New makes a Controller. Absent rates and lease times take their defaults. An error
// says that the API server's address or credentials make no client.
func New(c Config) (*Controller, error) {
	host, _ := os.Hostname()
	c.Namespace, c.Name = cmp.Or(c.Namespace, DefaultNamespace), cmp.Or(c.Name, host, "coastwise")
	c.Lease = cmp.Or(c.Lease, DefaultLease())
	c.Rate, c.Burst = cmp.Or(c.Rate, DefaultRate), cmp.Or(c.Burst, DefaultBurst)
	server := rest.CopyConfig(c.REST)
	server.QPS = -1 // the limit is ours
	server.WarningHandlerWithContext = rest.NoWarnings{}
	out := &Controller{config: c, told: told{}}
	var err error
	if out.dynamic, err = dynamic.NewForConfig(server); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	if out.metadata, err = metadata.NewForConfig(server); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	if out.client, err = kubernetes.NewForConfig(server); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	out.election = NewElection(out.client.CoordinationV1(), c.Namespace, c.Name, c.Lease, c.Log)
	out.metrics = newMetrics(out.election.Leads)
	return out, nil
}

// Collectors are the metrics.
func (c *Controller) Collectors() []prometheus.Collector { return c.metrics.collectors() }

// Leads says whether this replica may write now.
func (c *Controller) Leads() bool { return c.election.Leads() }

// Run campaigns, and writes whenever it leads, until ctx ends. That the API server is
// away, or forbids something, is logged and tried again.
func (c *Controller) Run(ctx context.Context) error { return c.election.Run(ctx, c.lead) }

// lead is one term.
func (c *Controller) lead(ctx context.Context) {
	recorder, err := newRecorder(ctx, c.client.EventsV1(), c.election.Leads, c.config.Log)
	if err != nil {
		c.config.Log.Error("no Events can be written in this term", "err", err)
		return
	}
	defer recorder.stop()
	t := &term{
		Controller: c, recorder: recorder, limit: rate.NewLimiter(c.config.Rate, c.config.Burst),
		writer: &writer{
			client: c.dynamic, until: c.election.Until, limit: rate.NewLimiter(c.config.Rate, c.config.Burst),
			metrics: c.metrics, log: c.config.Log, memos: map[model.ObjectRef]*memo{},
		},
	}
	pause := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		if t.guarded(ctx) != nil {
			pause = min(max(2*pause, time.Second), backoffLimit)
		} else {
			pause = 0
		}
		c.rest(ctx, began, pause)
	}
}

// rest waits until the next look: a pause after a failure, else until something
// changed, but at least passTime since the last began.
func (c *Controller) rest(ctx context.Context, began time.Time, pause time.Duration) {
	if pause == 0 {
		select {
		case <-ctx.Done():
			return
		case <-c.config.Changed:
		case <-time.After(idleTime - time.Since(began)):
		}
		pause = passTime - time.Since(began)
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
