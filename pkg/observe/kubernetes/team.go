package kubernetes

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// teamOf returns the owning team or application that an object of kind names.
func (ix *index) teamOf(kind string, m *metav1.ObjectMeta) string {
	for _, key := range ix.teams {
		value := m.Labels[key]
		if value == "" {
			value = m.Annotations[key]
		}
		if key == ArgoTrackingID {
			value = application(value, kind, m)
		}
		if value != "" {
			return ix.one(value)
		}
	}
	return ""
}

// application returns the Argo CD application that a tracking ID names: it is
// "app:group/kind:namespace/name". An ID that is of another object came here by a
// copy of its annotations.
//
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
func application(id, kind string, m *metav1.ObjectMeta) string {
	app, rest, ok := strings.Cut(id, ":")
	what, which, ok2 := strings.Cut(rest, ":")
	namespace, name, ok3 := strings.Cut(which, "/")
	_, k, ok4 := strings.Cut(what, "/")
	if !ok || !ok2 || !ok3 || !ok4 || k != kind || name != m.Name || m.Namespace != "" && namespace != m.Namespace {
		return ""
	}
	return app
}
