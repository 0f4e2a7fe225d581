package kubernetes

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What is kept of each kind of owner.

func (ix *index) replicaSet(x *appsv1.ReplicaSet) {
	ix.addNumbered(replicaSets, &x.ObjectMeta, ix.templateOf(&x.Spec.Template.Spec))
}

func (ix *index) replicationController(x *corev1.ReplicationController) {
	var t template
	if x.Spec.Template != nil {
		t = ix.templateOf(&x.Spec.Template.Spec)
	}
	ix.addNumbered(controllers, &x.ObjectMeta, t)
}

func (ix *index) statefulSet(x *appsv1.StatefulSet) {
	o, _ := ix.add(statefulSets.kind, &x.ObjectMeta)
	o.update = ix.one(x.Status.UpdateRevision)
}

func (ix *index) job(x *batchv1.Job) {
	o, _ := ix.add(jobs.kind, &x.ObjectMeta)
	o.template = ix.templateOf(&x.Spec.Template.Spec)
}

func (ix *index) cronJob(x *batchv1.CronJob) {
	o, _ := ix.add(cronJobs.kind, &x.ObjectMeta)
	o.template = ix.templateOf(&x.Spec.JobTemplate.Spec.Template.Spec)
}

func (ix *index) metadata(kind string) func(*metav1.PartialObjectMetadata) {
	return func(x *metav1.PartialObjectMetadata) { ix.add(kind, &x.ObjectMeta) }
}

func (ix *index) controllerRevision(x *appsv1.ControllerRevision) {
	ix.addRevision(&x.ObjectMeta, x.Revision, rawJSON(x.Data.Raw))
}
