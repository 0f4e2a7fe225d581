package helm_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/intact-dev/intact/pkg/extract/helm"
)

// What Helm itself makes of "helm create".
func TestHelmCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := chartutil.Create("web", dir); err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(os.DirFS(dir), p)
		fsys[p] = file(string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]string{
		{
			"web/templates/tests/test-connection.yaml:12:14 busybox [/Pod/web-test-connection wget] reference<web/templates/tests/test-connection.yaml busybox>",
			"web/values.yaml:14:9 nginx:1.16.0 [/Deployment/web web] tag<web/values.yaml > +web/Chart.yaml:24 +web/templates/deployment.yaml:41 +web/values.yaml:10",
		},
		{
			"web/templates/tests/test-connection.yaml:12:14 busybox@" + digest + " [/Pod/web-test-connection wget] reference<web/templates/tests/test-connection.yaml busybox@" + digest + ">",
			"web/values.yaml:14:9 nginx:1.16.0@" + digest + " [/Deployment/web web] tag<web/values.yaml 1.16.0@" + digest + "> +web/templates/deployment.yaml:41 +web/values.yaml:10",
		},
	} {
		r, err := helm.Extractor{}.Extract(fsys, "web/Chart.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, describe(fsys, r)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		pinAll(fsys, r)
	}
}
