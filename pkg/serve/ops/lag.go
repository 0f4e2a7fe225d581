package ops

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// Queues are what waits. Nil members are left out.
type Queues struct {
	Tasks func(ctx context.Context) ([]jobs.Lag, error)
	Inbox func(ctx context.Context) (inbox.Lag, error)
	Log   *slog.Logger
}

// askTime is how long the store may take to say what waits.
const askTime = 5 * time.Second

// Watch adds what waits in q, asked for whenever metrics are read. It is called at
// most once.
func (m *Metrics) Watch(q Queues) { m.registry.MustRegister(&waiting{q, m}) }

// waiting is a collector: what it cannot learn is left out and counted, and is not
// 0.
type waiting struct {
	Queues
	m *Metrics
}

var (
	tasksDesc      = prometheus.NewDesc("intact_tasks", "Tasks, by what they wait for.", []string{"kind", "state"}, nil)
	tasksOldest    = prometheus.NewDesc("intact_tasks_oldest_seconds", "Since the oldest task that is not done could have begun; 0 if there is none.", []string{"kind"}, nil)
	inboxDesc      = prometheus.NewDesc("intact_inbox_deliveries", "Deliveries of webhooks that are acknowledged and not handed on.", []string{"state"}, nil)
	inboxOldest    = prometheus.NewDesc("intact_inbox_oldest_seconds", "Since the oldest delivery that waits was received; 0 if there is none.", nil, nil)
	allWaitingDesc = []*prometheus.Desc{tasksDesc, tasksOldest, inboxDesc, inboxOldest}
)

// Describe implements [prometheus.Collector].
func (w *waiting) Describe(c chan<- *prometheus.Desc) {
	for _, d := range allWaitingDesc {
		c <- d
	}
}

// Collect implements [prometheus.Collector].
func (w *waiting) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if w.Tasks != nil {
		all, err := w.Tasks(ctx)
		w.failed(ctx, "lag_tasks", err)
		for _, l := range all {
			gauge(tasksDesc, float64(l.Waiting), l.Kind, "waiting")
			gauge(tasksDesc, float64(l.Later), l.Kind, "later")
			gauge(tasksDesc, float64(l.Running), l.Kind, "running")
			gauge(tasksDesc, float64(l.Failed), l.Kind, "failed")
			gauge(tasksOldest, l.Oldest.Seconds(), l.Kind)
		}
	}
	if w.Inbox != nil {
		l, err := w.Inbox(ctx)
		if w.failed(ctx, "lag_inbox", err) {
			return
		}
		gauge(inboxDesc, float64(l.Waiting), "waiting")
		gauge(inboxDesc, float64(l.Refused), "refused")
		gauge(inboxOldest, l.Oldest.Seconds())
	}
}

func (w *waiting) failed(ctx context.Context, operation string, err error) bool {
	if err == nil {
		return false
	}
	w.m.StoreError(operation)
	if w.Log != nil {
		w.Log.ErrorContext(ctx, "metrics: what waits is not known", "error", err.Error())
	}
	return true
}
