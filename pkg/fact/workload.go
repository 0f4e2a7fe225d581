package fact

import (
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Role is what a container is for in its pod. A container of Docker or
// containerd has RoleMain.
type Role string

// Roles.
const (
	RoleMain      Role = "container"
	RoleInit      Role = "init"
	RoleSidecar   Role = "sidecar" // an init container that is restarted always
	RoleEphemeral Role = "ephemeral"
	RoleVolume    Role = "image-volume" // no container: files of an image, mounted
)

// A Phase is what a container does at the moment. The zero value is not told.
type Phase string

// Phases. Only of a running one is there anything that runs.
const (
	PhaseRunning  Phase = "running"
	PhaseWaiting  Phase = "waiting"  // not started, or between two starts
	PhaseFinished Phase = "finished" // ended and not to be started again
)

// A Container is what a runtime was told to run, as far as it is the same for
// all containers that are judged together.
type Container struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Phase Phase  `json:"phase,omitempty"`
	// Runtime is who was asked: "kubernetes", "docker", "containerd".
	Runtime string `json:"runtime"`
	// Image is the image as the container's own specification names it: a pod's
	// after all mutation, or what the runtime was given. Ref is it parsed, zero if
	// it cannot be.
	Image string  `json:"image"`
	Ref   ref.Ref `json:"ref,omitzero"`
	// Template is the image that the owner's template names for it; "" if there is
	// no owner, its template was not seen (NoTemplate says why), or the container
	// is not in it (Injected).
	Template   string       `json:"template,omitempty"`
	NoTemplate string       `json:"noTemplate,omitempty"`
	Rewrite    Rewrite      `json:"rewrite,omitempty"`
	Injected   bool         `json:"injected,omitempty"` // its owner's template has no container of that name
	Added      bool         `json:"added,omitempty"`    // after the pod was created
	Static     bool         `json:"static,omitempty"`   // a mirror pod: what runs is a file on the node
	Owner      string       `json:"owner,omitempty"`    // "Deployment", "Job"; "" = none
	Platform   ref.Platform `json:"platform,omitzero"`  // of the node that runs it; zero = not known
}

// A Rewrite is how the image of a pod differs from the one in the template that
// it was made from. The zero value is not at all, or not known.
type Rewrite string

// Rewrites.
const (
	// RewritePlaceholder: the template's image is a word that an injector replaces
	// (Istio's "auto").
	RewritePlaceholder Rewrite = "placeholder"
	// RewriteDigest: the same repository and tag, with a digest added.
	RewriteDigest Rewrite = "digest-added"
	// RewriteMirror: the same repository path, tag and digest in another registry
	// or below a prefix.
	RewriteMirror Rewrite = "mirror"
	// RewriteOther: another image. A pod's image can be edited in place.
	RewriteOther Rewrite = "other"
)

// An Answer says whether two names mean the same image. The zero value is not
// known.
type Answer string

// Answers.
const (
	AnswerUnknown   Answer = ""
	AnswerSame      Answer = "same"
	AnswerDifferent Answer = "different"
)

// A Comparison is an Answer with its proof, or with what is missing for one.
type Comparison struct {
	Answer Answer `json:"answer,omitempty"`
	// Proof is set unless the answer is unknown: "equal digest", "child of index
	// sha256:… for linux/amd64", "different configs: …".
	Proof string `json:"proof,omitempty"`
	Why   string `json:"why,omitempty"` // of unknown: what would have to be known
}

// A DigestKind is what a digest that a runtime reports turned out to name. The
// zero value is not known.
type DigestKind string

// Kinds of digests.
const (
	DigestIndex    DigestKind = "index"
	DigestManifest DigestKind = "manifest"
	DigestConfig   DigestKind = "config"
)

// A Running is what a runtime says that it runs, and what that proved to be.
type Running struct {
	Reported string     `json:"reported"` // verbatim: a pod's imageID, Docker's Image
	Digest   ref.Digest `json:"digest"`
	Kind     DigestKind `json:"kind,omitempty"`
	// Repository is the one that the runtime names, canonical; "" if none. It is
	// evidence about mirrors and no proof of where the bytes came from.
	Repository string `json:"repository,omitempty"`
	// Index, Manifest and Config are the names that it is known to go by on its
	// platform.
	Index    ref.Digest `json:"index,omitempty"`
	Manifest ref.Digest `json:"manifest,omitempty"`
	Config   ref.Digest `json:"config,omitempty"`
	// Found is the repository in which a registry has it, canonical; "" if none
	// that was asked does.
	Found string   `json:"found,omitempty"`
	Asked []string `json:"asked,omitempty"` // repositories that were asked, canonical
	// Unheard says why a registry that may have it gave no answer, and UnheardCause
	// of which kind that was: then an empty Found proves nothing. "" = all answered.
	Unheard      string `json:"unheard,omitempty"`
	UnheardCause Cause  `json:"unheardCause,omitempty"`
	// Declared compares it with the digest in the container's own specification,
	// Template with that in its owner's template. Unset if there is none.
	Declared *Comparison `json:"declared,omitempty"`
	Template *Comparison `json:"template,omitempty"`
}

// A Tri is yes, no or not known, which is the zero value.
type Tri string

// Values of a Tri.
const (
	TriUnknown Tri = ""
	Yes        Tri = "yes"
	No         Tri = "no"
)

// A Forecast is what a start of the same container would bring.
type Forecast struct {
	Tag        string `json:"tag"`        // the tag that decides
	PullPolicy string `json:"pullPolicy"` // the effective one: "Always", "IfNotPresent", "Never"
	// PointsTo is where the tag points now; "" if it is gone.
	PointsTo ref.Digest `json:"pointsTo,omitempty"`
	// Now compares what the tag names with what runs.
	Now Comparison `json:"now"`
	// OnNode is where the tag points in the node's own store ("" = not known or
	// not there), and Cached compares that with what runs.
	OnNode ref.Digest  `json:"onNode,omitempty"`
	Cached *Comparison `json:"cached,omitempty"`
	// Mirror is the host of a pull-through cache whose answer PointsTo is: its age
	// is not known. Upstream is then what the upstream says, "" if it was not
	// heard.
	Mirror   string     `json:"mirror,omitempty"`
	Upstream ref.Digest `json:"upstream,omitempty"`
}

// A Judged is what today's policy makes of the image that runs.
type Judged struct {
	Image    string   `json:"image"`             // canonical repository@digest
	Decision string   `json:"decision"`          // "allow", "warn", "deny", "undecided"
	Reasons  []string `json:"reasons,omitempty"` // the checks that led to it, sorted
}

// A FileKind is what a file that changed at run time is good for.
type FileKind string

// Kinds of files, by the check that reports them.
const (
	FileExecutable    FileKind = "executable"    // RUN005: ELF and other programs
	FileLibrary       FileKind = "library"       // RUN005
	FileScript        FileKind = "script"        // RUN012
	FileConfiguration FileKind = "configuration" // RUN013
	FileData          FileKind = "data"          // RUN014
)

// A FileChange is one path of a container that is no longer as the image has it.
type FileChange struct {
	Path Bytes    `json:"path"` // absolute
	What string   `json:"what"` // "added", "changed", "removed", "mode", "owner", "replaced" (a directory, or another type)
	Kind FileKind `json:"kind"`
	// Digest is of its content now, Was of the image's; "" if there is none, or not
	// a regular file.
	Digest ref.Digest `json:"digest,omitempty"`
	Was    ref.Digest `json:"was,omitempty"`
	Size   int64      `json:"size,omitempty"`
	Detail string     `json:"detail,omitempty"` // "0644, was 0755", "link to /tmp/x"
	// Claimed is set for what the runtime says and nobody hashed.
	Claimed bool `json:"claimed,omitempty"`
}

// A Group is all containers of one name in the pods of one template.
type Group struct {
	Workload  string `json:"workload"` // "shop/Deployment/cart"
	Container string `json:"container"`
	Template  string `json:"template,omitempty"` // the revision: pod-template-hash, controller-revision-hash
	Image     string `json:"image"`              // as declared
	// Versions are the images that run, told apart: what proved to be the same is
	// one. The largest first.
	Versions []Version `json:"versions"`
	// Rollout is set while pods of another template of the workload are there too.
	Rollout bool `json:"rollout,omitempty"`
}

// A Version is one image that some containers of a group run.
type Version struct {
	Reported string       `json:"reported"`
	Digest   ref.Digest   `json:"digest"`
	Kind     DigestKind   `json:"kind,omitempty"` // of Digest: a config cannot be pinned
	Count    int          `json:"count"`
	Since    time.Time    `json:"since,omitzero"`    // the earliest start
	Nodes    []string     `json:"nodes,omitempty"`   // up to limits.GroupNodes, sorted
	Example  string       `json:"example,omitempty"` // one container, namespace/pod
	Platform ref.Platform `json:"platform,omitzero"`
	Signed   string       `json:"signed,omitempty"` // "signed by …", "unsigned"; "" = not asked
	// Apart compares it with the first version.
	Apart Comparison `json:"apart"`
}

// A Revision is what a rollback would bring back.
type Revision struct {
	Name   string          `json:"name"` // "ReplicaSet cart-7d4b9", "Helm release shop.v12"
	Number int64           `json:"number,omitempty"`
	Images []RevisionImage `json:"images"`
}

// A RevisionImage is one image of a former revision.
type RevisionImage struct {
	Container string  `json:"container"`
	Image     string  `json:"image"` // as written
	Ref       ref.Ref `json:"ref,omitzero"`
	// Ran is the digest that is known to have run under it; "" = not known.
	Ran ref.Digest `json:"ran,omitempty"`
	// Blobs is what the image needs and whether it is there.
	Blobs List[Blob] `json:"blobs"`
	// Judged is what today's policy makes of it.
	Judged Value[Judged] `json:"judged"`
}
