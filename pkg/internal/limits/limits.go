// Package limits holds every limit and why it is what it is. A limit that is
// hit is an error that names the limit, the value and the flag; nothing is ever
// cut silently.
package limits

import (
	"fmt"
	"time"
)

// Sizes in bytes.
const (
	// Manifest: the distribution spec asks registries to take at least 4 MiB, and
	// clients in use (containerd) refuse more.
	Manifest = 4 << 20
	// LayoutManifestBytes: of all manifests of a layout together, of which what says
	// to whom they belong is kept. 10,000 signatures with the annotations of cosign
	// are under 100 MB.
	LayoutManifestBytes = 128 << 20
	// Config: the largest seen in use are under 1 MiB; history and labels grow them.
	Config = 8 << 20
	// Attestation: SBOMs of large images reach 10 MiB; each is held in memory once.
	Attestation         = 16 << 20
	AttestationInFlight = 32 << 20
	// Payload of one simple signing signature: a few hundred bytes in use.
	SignaturePayload = 1 << 20
	// Certificate of a signer: Fulcio's are under 2 KiB; what parsing and checking
	// its names costs grows with them.
	Certificate = 64 << 10
	// Token: what go-containerregistry takes of a token server.
	Token = 64 << 10
	// ErrorBody is how much of an error answer is read to tell the cause.
	ErrorBody = 8 << 10
	// AccountFile: /etc/passwd and /etc/group of an image (CVE-2026-47262 was
	// an unbounded read of them).
	AccountFile = 1 << 20
	// LayerExpanded and ImageExpanded are streamed, never stored.
	LayerExpanded = 16 << 30
	ImageExpanded = 64 << 30
	// ZstdWindows is shared by all layers of the process: RFC 8878 recommends
	// supporting 8 MiB windows; zstd --ultra --long=27 uses 128 MiB.
	ZstdWindows = 128 << 20
	// PathBytes: of all entries of an image together.
	PathBytes = 96 << 20
	// PAXBlock: one extended header (CVE-2022-2879).
	PAXBlock = 1 << 20
	PathName = 4096 // PATH_MAX
	// SourceFile: one file of a repository. Rendered manifests of a large platform
	// reach some megabytes.
	SourceFile = 16 << 20
	// ResourceList: what a KRM function is given, the rendered manifests of a platform.
	// It is held several times, as text and as trees.
	ResourceList = 32 << 20
	// BaselineReport: an earlier report of ours. That of 100,000 containers has some
	// hundred megabytes; of it, hashes are kept.
	BaselineReport = 1 << 30
	// RuntimeMessage: one answer of a container runtime; containerd and the kubelet
	// send and take no larger ones.
	RuntimeMessage = 16 << 20
	// KubeObject is one object of a Kubernetes API server: etcd takes 1.5 MiB by
	// default, packed as protobuf; JSON is a few times that. KubeHead is what a list
	// says of itself.
	KubeObject = 16 << 20
	KubeHead   = 1 << 20
	// HelmRelease is one unpacked: a Secret holds 1 MiB, and charts with their
	// manifests pack to a tenth.
	HelmRelease = 32 << 20
)

// Counts.
const (
	IndexDepth    = 4
	IndexChildren = 1000
	// LayoutManifests are those of one OCI layout, all that its index.json and the
	// indexes there list: an index with IndexChildren children, and for it and each
	// of them up to eight signatures and attestations. index.json at its limit of
	// 4 MiB names about as many.
	LayoutManifests = 10_000
	Layers          = 512
	Entries         = 2_000_000 // per image
	PathDepth       = 256
	Redirects       = 5
	Pages           = 100
	// Signatures per image and place; cosign's own limit is 100.
	Signatures = 100
	// Referrers: descriptors listed for one digest, of all kinds. 10,000 of them
	// are 4 MiB; a registry that lists more lists no signatures.
	Referrers   = 10_000
	GzipMembers = 1_000_000
	ZstdRatio   = 1200 // after ZstdRatioAfter bytes; gzip cannot exceed 1032
	SymlinkHops = 40   // Linux's MAXSYMLINKS
	GroupPaths  = 64   // paths kept by name in one group of a finding
	JSONDepth   = 64
	// YAMLNodes: values of one document; each takes some 250 bytes. A list of 5,000
	// workloads as a cluster shows them has about as many.
	YAMLNodes = 1_000_000
	// YAMLDepth is how deep a document of a kind that is not known is searched; the
	// deepest of the known ones have their images at 20.
	YAMLDepth = 100
	// CodePaths: places with code outside of /usr/lib and its like, cut at a depth at
	// which an application with 1,000 packages has one. OpenDirs: directories of one
	// image that others than root can write, those within another not counted.
	CodePaths = 1024
	OpenDirs  = 1024
	Retries   = 3
	// Changes of one container: some 500 bytes each. A program that writes more
	// files into its image's tree has them in a few directories, and needs a volume.
	Changes      = 50_000
	ZstdRatioMin = 100 << 20 // expanded bytes below which the ratio is not judged
)

// Times and rates.
const (
	RequestHeader = 15 * time.Second
	IdleBody      = 30 * time.Second
	MinimumRate   = 16 << 10 // bytes per second over IdleBody
	RetryAfterCap = 30 * time.Second
)

// An ExceededError is a limit that was hit.
type ExceededError struct {
	What  string // "manifest size", "entries of the image"
	Limit int64
	Got   int64  // 0 if it was not read to the end
	Flag  string // the flag that raises it; "" if it cannot be raised
}

// Error names limit, value and flag.
func (e *ExceededError) Error() string {
	s := fmt.Sprintf("%s exceeds the limit of %d", e.What, e.Limit)
	if e.Got > 0 {
		s = fmt.Sprintf("%s is %d and exceeds the limit of %d", e.What, e.Got, e.Limit)
	}
	if e.Flag != "" {
		s += " (raise it with " + e.Flag + ")"
	}
	return s
}
