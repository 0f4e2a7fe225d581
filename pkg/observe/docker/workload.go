package docker

import "github.com/intact-dev/intact/pkg/observe"

// Kinds of workloads.
const (
	kindCompose = "compose service"
	kindSwarm   = "swarm service"
)

// Labels that Compose and Swarm put on what they start. An image can carry them
// too: they group containers and prove nothing.
//
// https://github.com/docker/compose/blob/v2.39.0/pkg/api/labels.go
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelHash    = "com.docker.compose.config-hash"
	labelSwarm   = "com.docker.swarm.service.name"
)

// workloadOf says what made a container. Swarm keeps the revision of a service
// to itself; the image as the service names it stands for it.
func workloadOf(labels map[string]string, image string) observe.Workload {
	switch {
	case labels[labelSwarm] != "":
		return observe.Workload{Kind: kindSwarm, Name: labels[labelSwarm], Template: image}
	case labels[labelProject] != "" && labels[labelService] != "":
		return observe.Workload{Kind: kindCompose, Name: labels[labelProject] + "/" + labels[labelService], Template: labels[labelHash]}
	}
	return observe.Workload{}
}

// serviceOf is what the containers of a service have in common by name.
func serviceOf(labels map[string]string) string {
	if name := labels[labelSwarm]; name != "" {
		return name
	}
	return labels[labelService]
}

func noTemplate(kind string) string {
	if kind == kindSwarm {
		return "services of a swarm are not asked"
	}
	return "an engine does not keep Compose's files"
}
