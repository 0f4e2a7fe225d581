// Package observe says what runs: containers, where they are, what they were
// told to run and what their runtime says that they run. The packages below it
// each look in one place. They read and change nothing, and judge nothing.
package observe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Observer lists what runs in one place.
type Observer interface {
	// Observe yields each container once, in any order and from one goroutine at a
	// time, and returns what it learned about the place. Parts that could not be
	// seen are Gaps of the Inventory: what was yielded stays true beside them. The
	// error means that the place could not be looked at, or was lost on the way; it
	// carries its cause (image.CauseOf) and what was yielded before it stays true.
	// Observe returns when ctx ends.
	Observe(ctx context.Context, yield func(Container)) (Inventory, error)
}

// A Container is one container, or one image volume, that an Observer saw.
type Container struct {
	// Spec is what it has in common with others; equal ones should share it (see
	// [Specs]).
	Spec *Spec

	Namespace string // of Kubernetes or containerd; "" for Docker
	Pod       string // its pod, or for Docker and containerd its own name
	ID        string // the runtime's, without a scheme; "" = not started
	Node      string
	Workload  Workload

	// Reported is what the runtime says that it runs, verbatim; "" = nothing yet.
	// A Docker engine that knows the manifest of a multi-platform image says so in
	// Manifest.
	Reported string
	// ReportedKind is what the digest in Reported names, where the runtime tells.
	ReportedKind fact.DigestKind
	Manifest     ref.Digest
	// Also are other names that the runtime has for the same image, such as Docker's
	// RepoDigests, verbatim. AlsoLocal says that it makes them from its own tags, so
	// that no registry need ever have had the image under them.
	Also      []string
	AlsoLocal bool
	Since     time.Time // its start; zero = not told
	// NodeTag is where the tag of its image points in the node's own store; "" =
	// not known or not there.
	NodeTag ref.Digest
}

// A Spec is what containers that are judged together have in common. It is not
// changed once it was yielded.
type Spec struct {
	Container fact.Container
	Settings  fact.Settings
	// PullSecrets names the Secrets of its namespace that its image is pulled with.
	PullSecrets []string
}

// A Workload is what made a container. The zero value is nothing.
type Workload struct {
	Kind     string // "Deployment", "Job", "Rollout": the topmost owner that could be found
	Name     string
	Template string // the revision of its template: pod-template-hash, controller-revision-hash; "" = it has none
	// Current says that Template is the newest one; unknown while it is not known
	// which is.
	Current fact.Tri
	Team    string // the owning team or application, as configured; "" = none
	// APIVersion and UID are of the object in a Kubernetes; "" for a pod by itself,
	// and outside of one.
	APIVersion, UID string
}

// An Inventory is what an Observer learned about its place.
type Inventory struct {
	Kind    string // "kubernetes", "docker", "containerd"
	Name    string // the cluster's or the host's, as reports call it
	Version string // of the server; "" = not told

	// Counts by what is counted, in the order of reports: "pods", "containers",
	// "nodes", "namespaces".
	Counts   []Count
	Gaps     []Gap
	NotAsked []Capability
	// Histories are the former revisions of workloads, newest first, without the
	// current ones. Pods of a former one may still run.
	Histories []History
}

// A Count is a number of things.
type Count struct {
	What string
	N    int
}

// A Gap is a part of the place that could not be seen.
type Gap struct {
	What  string // "pods of namespace pay", "node n3"
	Cause fact.Cause
	Why   string
	Hint  string // what to do about it; may be ""
}

// Hides reports whether containers in a namespace of Kubernetes may not have been
// yielded because of g. Other gaps take away from what is known of those that were.
func (g Gap) Hides(namespace string) bool {
	return g.What == AllPods || g.What == PodsOf(namespace)
}

// OfNodes reports whether g is about nodes that are there: nothing that was asked for
// is missing.
func (g Gap) OfNodes() bool {
	return strings.HasPrefix(g.What, "node ") || strings.HasPrefix(g.What, "start times on ")
}

// AllPods is [Gap.What] where pods of all namespaces were asked for at once.
const AllPods = "pods"

// PodsOf is [Gap.What] of the pods of one namespace.
func PodsOf(namespace string) string { return fmt.Sprintf("%s of namespace %q", AllPods, namespace) }

// A Capability is something that was not switched on.
type Capability struct {
	What string // "Helm releases", "files changed at run time"
	How  string // "--helm-releases"
}

// A History is the former revisions of one workload.
type History struct {
	Namespace string
	Workload  Workload // Template is of the current revision
	Revisions []Revision
	// Missing says why revisions may be missing; "" = all are there.
	Missing string
}

// A Revision is a former state of a workload's template.
type Revision struct {
	Name       string // "ReplicaSet cart-7d4b9c"
	Number     int64
	Containers []RevisionContainer
}

// A RevisionContainer names one image of a Revision.
type RevisionContainer struct {
	Name  string
	Role  fact.Role
	Image string // as written
}
