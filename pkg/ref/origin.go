package ref

// An Origin says where a reference was found. The zero value is unknown.
type Origin struct {
	Kind   string `json:"kind,omitempty"`   // "argument", "file", "kubernetes", "docker", "containerd", "event"
	Where  string `json:"where,omitempty"`  // a path, or namespace/kind/name
	Line   int    `json:"line,omitempty"`   // 1-based; 0 = unknown
	Column int    `json:"column,omitempty"` // 1-based, in bytes; 0 = unknown
	Path   string `json:"path,omitempty"`   // "spec.template.spec.containers[0].image"
}

// A Kind is what a reference names.
type Kind string

// Kinds of references.
const (
	KindImage        Kind = "image"
	KindArtifact     Kind = "artifact"
	KindMachineImage Kind = "machine-image"
	KindAction       Kind = "action"
)
