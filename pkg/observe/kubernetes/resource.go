package kubernetes

import (
	"fmt"
	"net/url"
	"strings"
)

// A resource is a kind of objects that is asked for.
type resource struct {
	group, version string
	name           string // as URLs and permissions have it
	kind           string
	cluster        bool // it is in no namespace
}

// What is asked for. deploy/rbac.yaml grants exactly this.
var (
	pods                = resource{"", "v1", "pods", "Pod", false}
	nodes               = resource{"", "v1", "nodes", "Node", true}
	namespaces          = resource{"", "v1", "namespaces", "Namespace", true}
	controllers         = resource{"", "v1", "replicationcontrollers", "ReplicationController", false}
	configMaps          = resource{"", "v1", "configmaps", "ConfigMap", false}
	secrets             = resource{"", "v1", "secrets", "Secret", false}
	deployments         = resource{"apps", "v1", "deployments", "Deployment", false}
	replicaSets         = resource{"apps", "v1", "replicasets", "ReplicaSet", false}
	statefulSets        = resource{"apps", "v1", "statefulsets", "StatefulSet", false}
	daemonSets          = resource{"apps", "v1", "daemonsets", "DaemonSet", false}
	controllerRevisions = resource{"apps", "v1", "controllerrevisions", "ControllerRevision", false}
	jobs                = resource{"batch", "v1", "jobs", "Job", false}
	cronJobs            = resource{"batch", "v1", "cronjobs", "CronJob", false}
)

// plural is how the resource is called in messages: "pods", "ReplicaSets".
func (r resource) plural() string {
	switch r.kind {
	case "Pod", "Node", "Namespace":
		return r.name
	}
	return r.kind + "s"
}

// qualified is how permissions are talked about: "replicasets.apps".
func (r resource) qualified() string {
	if r.group == "" {
		return r.name
	}
	return r.name + "." + r.group
}

// path is where the objects of a namespace are, or one of them; "" = all. It is
// escaped.
func (r resource) path(namespace, name string) string {
	b := strings.Builder{}
	if r.group == "" {
		b.WriteString("/api/" + url.PathEscape(r.version))
	} else {
		b.WriteString("/apis/" + url.PathEscape(r.group) + "/" + url.PathEscape(r.version))
	}
	if namespace != "" && !r.cluster {
		b.WriteString("/namespaces/" + url.PathEscape(namespace))
	}
	b.WriteString("/" + url.PathEscape(r.name))
	if name != "" {
		b.WriteString("/" + url.PathEscape(name))
	}
	return b.String()
}

// need says what must be granted to use verb on r.
func (r resource) need(verb, namespace string) string {
	s := fmt.Sprintf("%s on %s", verb, r.qualified())
	if namespace != "" && !r.cluster {
		s += fmt.Sprintf(" in namespace %q", namespace)
	}
	return s
}

// of names r's objects in namespace, "" = all, in messages.
func (r resource) of(namespace string) string {
	if namespace == "" || r.cluster {
		return r.plural()
	}
	return fmt.Sprintf("%s of namespace %q", r.plural(), namespace)
}
