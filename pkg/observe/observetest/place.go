package observetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// everything is one container of each role and phase, some with what a runtime
// may report.
func (s Suite) everything() []Container {
	var out []Container
	for _, role := range s.Roles {
		for _, phase := range []fact.Phase{fact.PhaseRunning, fact.PhaseWaiting, fact.PhaseFinished} {
			if role == fact.RoleVolume && phase == fact.PhaseFinished {
				continue // a volume ends with the containers that mount it
			}
			name := fmt.Sprintf("%s-%s", role, phase)
			if role == fact.RoleVolume { // what mounts it
				out = append(out, Container{Namespace: "shop", Pod: name, Name: "app", Role: fact.RoleMain, Phase: phase,
					Image: "registry.example/acme/app:1", Reported: reported("registry.example/acme/app", "app")})
			}
			out = append(out, Container{Namespace: "shop", Pod: name, Name: name, Role: role, Phase: phase,
				Image: "registry.example/acme/" + string(role) + ":1.4.2", Reported: reported("registry.example/acme/"+string(role), name)})
		}
	}
	for i, image := range []string{"nginx", "registry.example:5000/a/b@sha256:" + strings.Repeat("0", 64), "ghcr.io/acme/api:1@sha256:" + strings.Repeat("1", 64)} {
		name := fmt.Sprintf("web-%d", i)
		out = append(out, Container{Namespace: "pay", Pod: name, Name: name, Role: fact.RoleMain, Phase: fact.PhaseRunning,
			Image: image, Reported: "sha256:" + strings.Repeat("c", 64)})
	}
	return out
}

// many is n equal containers, in two namespaces.
func many(n int) []Container {
	var out []Container
	for i := range n {
		name := fmt.Sprintf("cart-%04d", i)
		out = append(out, Container{Namespace: []string{"pay", "shop"}[i%2], Pod: name, Name: name, Role: fact.RoleMain, Phase: fact.PhaseRunning,
			Image: "registry.example/acme/cart:2.8.0", Reported: reported("registry.example/acme/cart", "cart")})
	}
	return out
}

// hide hides one container, and where there are namespaces all that are in its.
func (s Suite) hide(all []Container) (seen, whole []Container) {
	for i := range all {
		all[i].Hidden = s.Namespaces && all[i].Namespace == all[0].Namespace || i == 0
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Container) bool { return c.Hidden }), all
}

func reported(repository, seed string) string {
	return repository + "@sha256:" + fmt.Sprintf("%064x", seed)[:64]
}
