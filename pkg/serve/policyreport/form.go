// Package policyreport tells, in a Kubernetes, what is wrong with what runs there:
// one report for each workload, in the form that other tools read. It knows an API
// server only as somebody who keeps objects.
package policyreport

// A Form is an API of reports.
type Form string

// Forms. They differ in names, and in that OpenReports says once in a report who
// made it.
const (
	// https://github.com/openreports/reports-api
	OpenReports Form = "openreports"
	// https://github.com/kubernetes-sigs/wg-policy-prototypes/tree/master/policy-report
	WGPolicyK8s Form = "wgpolicyk8s"
)

// A Kind is how one kind of objects is called.
type Kind struct {
	APIVersion string
	Kind       string
	Name       string // in URLs
}

// Kinds are those of reports in a namespace, and of reports of the whole cluster.
func (f Form) Kinds() (report, clusterReport Kind) {
	if f == WGPolicyK8s {
		const v = "wgpolicyk8s.io/v1alpha2"
		return Kind{v, "PolicyReport", "policyreports"}, Kind{v, "ClusterPolicyReport", "clusterpolicyreports"}
	}
	const v = "openreports.io/v1alpha1"
	return Kind{v, "Report", "reports"}, Kind{v, "ClusterReport", "clusterreports"}
}

// A document is a report as the API has it.
type document struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Metadata   metadata  `json:"metadata"`
	Source     string    `json:"source,omitempty"` // not of WGPolicyK8s
	Scope      *scope    `json:"scope,omitempty"`
	Summary    summary   `json:"summary"`
	Results    []verdict `json:"results"`
}

type metadata struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace,omitempty"`
	UID             string            `json:"uid,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
	OwnerReferences []owner           `json:"ownerReferences,omitempty"`
	Finalizers      []string          `json:"finalizers,omitempty"`
}

type owner struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

type scope struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	UID        string `json:"uid,omitempty"`
}

type summary struct {
	Pass  int `json:"pass"`
	Fail  int `json:"fail"`
	Warn  int `json:"warn"`
	Error int `json:"error"`
	Skip  int `json:"skip"`
}

// A verdict is one result of a report.
type verdict struct {
	Source     string            `json:"source"`
	Policy     string            `json:"policy"`
	Rule       string            `json:"rule"`
	Category   string            `json:"category,omitempty"`
	Severity   string            `json:"severity"`
	Timestamp  *timestamp        `json:"timestamp,omitempty"`
	Result     string            `json:"result"`
	Scored     bool              `json:"scored,omitempty"`
	Message    string            `json:"message,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// A timestamp is when a result was first told.
type timestamp struct {
	Seconds int64 `json:"seconds"`
	Nanos   int32 `json:"nanos"`
}

// Results as the API has them.
const (
	resultPass  = "pass"
	resultFail  = "fail"
	resultWarn  = "warn"
	resultError = "error" // "the policy could not be evaluated"
	resultSkip  = "skip"  // "not selected based on user inputs or applicability"
)

// Of what this program writes.
const (
	source           = "intact"
	managedBy        = "app.kubernetes.io/managed-by"
	policyAnnotation = "intact.dev/policy"
	prefix           = "intact-"
)

// selector finds what this program wrote.
const selector = managedBy + "=" + source

// own reports whether this program wrote d: nothing else is ever changed.
func (d *document) own() bool { return d.Metadata.Labels[managedBy] == source }
