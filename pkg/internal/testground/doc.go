// Package testground brings up what the end-to-end tests and the benchmark
// command run against: a real registry on loopback with its storage on disk,
// an in-process registry with the referrers API, the real cosign commands, and
// images made on the machine, one of them big.
//
// Nothing here is part of the product. The code compiles everywhere; making
// the big image needs Linux, root and the Debian packages that [DebianPackages]
// lists. What takes minutes to make (commands, the big image) is kept in
// [CacheDir] and made once.
package testground

// DebianPackages are the Debian 12 packages that this package calls.
func DebianPackages() []string {
	return []string{"debian-archive-keyring", "docker-registry", "mmdebstrap", "skopeo", "umoci"}
}
