package resource

import "slices"

// Compact leaves out what is there twice, by its key.
func Compact[T any](all []T, key func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(v T) bool {
		k := key(v)
		was := seen[k]
		seen[k] = true
		return was
	})
}
