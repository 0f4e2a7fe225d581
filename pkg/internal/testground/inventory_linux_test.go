package testground

import "testing"

// The cached objects name these images by digest, so they may not change
// without a new version.
func TestInventoryImages(t *testing.T) {
	t.Parallel()
	images, err := Inventory{Tags: 30}.Images()
	if err != nil {
		t.Fatal(err)
	}
	refs, digests := map[string]bool{}, map[string]bool{}
	for _, i := range images {
		refs[i.Ref()] = true
		digests[i.digested(false)], digests[i.digested(true)] = true, true
	}
	if len(refs) != 30 || len(digests) != 60 {
		t.Errorf("%d references and %d digests, want 30 and 60", len(refs), len(digests))
	}
	const first = InventoryAddr + "/team-00/app-000@sha256:88b8a9b6171bde77c565344d8c381a664f0460c4f12f7eadf46b82286e572fb8"
	if got := images[0].digested(false); got != first {
		t.Errorf("the first image is %s; it was %s: raise inventoryVersion", got, first)
	}
}
