package docker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moby/moby/api/types/image"

	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/docker"
)

func TestManyContainers(t *testing.T) {
	t.Parallel()
	manyContainers(t, 3000)
}

// manyContainers: each is looked at once, and what they have in common once for
// all of them.
func manyContainers(t *testing.T, n int) {
	t.Helper()
	e := dockertest.Docker()
	var images atomic.Int64
	in := dockertest.Running("ID", "NAME", config, "acme/api:1")
	in.Config.Labels = map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "cart"}
	one, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	e.Images = []image.InspectResponse{{ID: config, RepoTags: []string{"acme/api:1"}}}
	e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		switch {
		case path == "/containers/json":
			for i := range n {
				_, _ = fmt.Fprintf(w, `%c{"Id":%q,"Labels":{"a":"b"}}`, "[,"[min(i, 1)], idOf(i))
			}
			_, _ = w.Write([]byte("]"))
		case strings.HasPrefix(path, "/containers/"):
			id := strings.Split(path, "/")[2]
			_, _ = w.Write([]byte(strings.NewReplacer(`"ID"`, `"`+id+`"`, "NAME", "n"+strings.TrimLeft(id, "0")).Replace(string(one))))
		case strings.HasPrefix(path, "/images/"):
			images.Add(1)
			return false
		default:
			return false
		}
		return true
	}
	o := observer(t, e, docker.Options{Jobs: 8})
	seen := map[string]bool{}
	specs := map[*observe.Spec]bool{}
	inv, err := o.Observe(t.Context(), func(c observe.Container) {
		seen[c.Pod], specs[c.Spec] = true, true
	})
	if err != nil || len(inv.Gaps) > 0 || len(seen) != n || inv.Counts[0].N != n {
		t.Errorf("%d containers, %+v, %v; want %d", len(seen), inv, err, n)
	}
	if len(specs) != 1 {
		t.Errorf("equal containers of one service have %d specs", len(specs))
	}
	if images.Load() != 2 {
		t.Errorf("the engine was asked %d times for the image, want once by ID and once by tag", images.Load())
	}
}
