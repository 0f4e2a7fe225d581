// Package kubernetes lists what runs in a cluster, as its API server tells it:
// every container and image volume of every pod, with the workload that made it,
// and the former revisions of workloads. An Observer reads, and changes nothing. A
// Collection changes what it is made for: reports about the cluster in it.
//
// Nothing of a pod is kept but what is yielded. Lists are read page by page and
// object by object, as protobuf, or as JSON from what speaks nothing else.
package kubernetes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// Options say which cluster is looked at, and how far. The zero value is the
// whole cluster of the current context, as kubectl finds it, without what would
// need rights that are not given lightly.
type Options struct {
	// Kubeconfig are files, merged as kubectl merges them; none = those of KUBECONFIG,
	// or ~/.kube/config, or where there is none the cluster that this runs in.
	Kubeconfig []string
	Context    string // in the kubeconfig; "" = the current one
	// InCluster uses the service account of the pod that this runs in.
	InCluster bool
	// Cluster is the name to report; "" = that of the context.
	Cluster string

	Namespaces []string // none = all
	Selector   string   // of labels of pods, as kubectl takes it; "" = all
	// Team are labels and annotations that name the owning team or application, the
	// first that is found: on the pod, on its workload, on the namespace. Of
	// [ArgoTrackingID] it is the application's name.
	Team []string

	// Revisions is how many former revisions of each workload are listed; 0 = 1,
	// negative = none.
	Revisions int
	// HelmReleases lists former revisions of Helm releases, too. It reads Secrets of
	// Helm's type.
	HelmReleases bool
	// ConfigMaps and Secrets say whether those that configure containers are
	// immutable. The API server sends their content with it, which is not looked at.
	ConfigMaps, Secrets bool
	// PullSecrets says that [Observer.PullSecret] will be used.
	PullSecrets bool

	PageSize  int    // objects per request; 0 = 500
	UserAgent string // "" = "intact"
	// Timeout is how long one request may go without an answer, or its answer
	// without getting on; 0 = limits.IdleBody.
	Timeout time.Duration

	// For tests: what the world is made of.
	config *rest.Config
	sleep  func(ctx context.Context, d time.Duration) error
	now    func() time.Time
	jitter func() float64
	timer  func(d time.Duration, f func()) timer
}

// A timer is a [time.Timer] that calls a function.
type timer interface {
	Reset(time.Duration) bool
	Stop() bool
}

// Names of labels and annotations for [Options.Team] that many clusters have.
const (
	ArgoTrackingID = "argocd.argoproj.io/tracking-id"
	InstanceLabel  = "app.kubernetes.io/instance"
)

// pageSize is kubectl's.
const pageSize = 500

// An Observer looks at one cluster. It may be used concurrently.
type Observer struct {
	o         Options
	c         *client
	name      string
	namespace string // that of the context or the service account
}

var _ observe.Observer = (*Observer)(nil)

// New returns an Observer. It reads the kubeconfig and asks nobody. The error
// names the setting that is wrong.
func New(o Options) (*Observer, error) {
	if _, err := labels.Parse(o.Selector); err != nil {
		return nil, fmt.Errorf("kubernetes settings: selector %q: %w", o.Selector, err)
	}
	if o.PageSize < 0 {
		return nil, fmt.Errorf("kubernetes settings: page size %d", o.PageSize)
	}
	for _, n := range o.Namespaces {
		if problems := validation.IsDNS1123Label(n); len(problems) > 0 {
			return nil, fmt.Errorf("kubernetes settings: namespace %q: %s", n, problems[0])
		}
	}
	p, err := load(o)
	if err != nil {
		return nil, err
	}
	o.fill()
	c, err := newClient(p.config, o)
	if err != nil {
		return nil, fmt.Errorf("kubernetes settings: %s: %w", p.where, err)
	}
	return &Observer{o: o, c: c, name: p.name, namespace: p.namespace}, nil
}

func (o *Options) fill() {
	if o.Revisions == 0 {
		o.Revisions = 1
	}
	if o.PageSize == 0 {
		o.PageSize = pageSize
	}
	if o.UserAgent == "" {
		o.UserAgent = "intact"
	}
	if o.Timeout == 0 {
		o.Timeout = limits.IdleBody
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.jitter == nil {
		o.jitter = rand.Float64
	}
	if o.timer == nil {
		o.timer = func(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }
	}
}

// Close closes idle connections. The Observer can still be used.
func (o *Observer) Close() { o.c.http.CloseIdleConnections() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Name is the name of the cluster, as reports call it.
func (o *Observer) Name() string { return o.name }

// Silence keeps client-go from writing lines of its own to standard error, such
// as those about a credential plugin that is asked again: what matters of them
// comes as an error. It is for the whole process, and for its main to call.
func Silence() { klog.SetLogger(logr.Discard()) }
