package fact

// Settings are what a container is allowed to do to itself, as a workload's
// specification states it, in a file or in a cluster.
type Settings struct {
	// Runtime is who is to obey them, as in Container: without it a file's missing
	// pull policy means nothing. "" = Kubernetes.
	Runtime string `json:"runtime,omitempty"`

	// PullPolicy is the one that is stated, or that the API server filled in; "" if
	// none is.
	PullPolicy string `json:"pullPolicy,omitempty"`

	ReadOnlyRoot bool `json:"readOnlyRoot,omitempty"`
	Privileged   bool `json:"privileged,omitempty"`
	// MayEscalate is allowPrivilegeEscalation; unknown means that it is not stated,
	// and then it is allowed.
	MayEscalate Tri `json:"mayEscalate,omitempty"`
	// RunAsUser and RunAsGroup are nil if nothing but the image says who runs.
	RunAsUser    *int64 `json:"runAsUser,omitempty"`
	RunAsGroup   *int64 `json:"runAsGroup,omitempty"`
	RunAsNonRoot bool   `json:"runAsNonRoot,omitempty"`
	// User is set where a user is named as an image does it ("app", "1000:1000"):
	// Docker, Compose.
	User string `json:"user,omitempty"`
	// Groups are fsGroup and supplementalGroups, sorted.
	Groups       []int64  `json:"groups,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"` // added, sorted
	HostUsers    Tri      `json:"hostUsers,omitempty"`    // No = in a user namespace

	Mounts  []Mount        `json:"mounts,omitempty"`  // sorted by Path
	Configs []ConfigObject `json:"configs,omitempty"` // ConfigMaps and Secrets that it reads
}

// A Mount is something that lies over the image's files.
type Mount struct {
	Path     Bytes  `json:"path"`             // absolute, in the container
	Kind     string `json:"kind"`             // "hostPath", "persistentVolumeClaim", "emptyDir", "configMap", "image", "bind", "volume", "tmpfs" …
	Source   string `json:"source,omitempty"` // the host's path, the claim's name
	ReadOnly bool   `json:"readOnly,omitempty"`
	SubPath  string `json:"subPath,omitempty"`
}

// A ConfigObject is a ConfigMap or Secret that configures a container. Its
// content is never read.
type ConfigObject struct {
	Kind string `json:"kind"` // "ConfigMap", "Secret"
	Name string `json:"name"`
	Use  string `json:"use"` // "env", "volume"
	// Immutable is unknown if the object was not looked at; Why says why, and Cause
	// whether nobody asked for it (a Secret cannot be looked at without reading it)
	// or it could not be done.
	Immutable Tri    `json:"immutable,omitempty"`
	Cause     Cause  `json:"cause,omitempty"`
	Why       string `json:"why,omitempty"`
	Optional  bool   `json:"optional,omitempty"`
}
