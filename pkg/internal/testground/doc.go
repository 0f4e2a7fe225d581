// Package testground brings up what the end-to-end tests and the benchmark
// command run against: a real registry on loopback with its storage on disk,
// an in-process registry with the referrers API, the real cosign commands,
// images made on the machine, one of them big, some that run, and a real
// Kubernetes: a cluster of one node that runs pods, or an API server alone with
// an inventory of thousands.
//
// Nothing here is part of the product. The code compiles everywhere, but what
// runs containers is there on Linux only. Making the big image and a cluster
// needs root and the Debian packages that [DebianPackages] lists. What takes
// minutes to make (commands, the big image, inventories) is kept in [CacheDir]
// and made once.
//
// A cluster lives in namespaces of its own and ends with the process that
// started it, however that ends. Files and control groups that a killed process
// leaves are removed by the next start.
package testground

// DebianPackages are the Debian 12 packages that this package calls.
func DebianPackages() []string {
	return []string{"containerd", "containernetworking-plugins", "debian-archive-keyring", "docker-registry", "etcd-server",
		"iproute2", "mmdebstrap", "postgresql", "runc", "skopeo", "umoci"}
}
