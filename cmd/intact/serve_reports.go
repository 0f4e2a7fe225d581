package main

import (
	"github.com/intact-dev/intact/pkg/observe/kubernetes"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
)

// reportsTo writes policy reports into the cluster that is looked at; nil if it is
// none, which the config refuses.
func reportsTo(r scan.Runtime, form policyreport.Form) *policyreport.Writer {
	o, ok := r.Observer.(*kubernetes.Observer)
	if !ok {
		return nil
	}
	report, cluster := form.Kinds()
	return &policyreport.Writer{
		Form: form, Place: r.Name,
		Reports:        o.Collection(report.APIVersion, report.Kind, report.Name, true),
		ClusterReports: o.Collection(cluster.APIVersion, cluster.Kind, cluster.Name, false),
	}
}
