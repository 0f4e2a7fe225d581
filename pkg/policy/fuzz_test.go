package policy_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
)

// Whatever the bytes: no panic, no hang; what loads has no duplicate key, decides
// about every check and refuses when nothing was examined.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(ruled))
	f.Add([]byte(bomb()))
	f.Add([]byte("schema: intact.policy/v1\nname: x\nextends: strict\nchecks: {LAY: deny, LAY: off}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? {a: b}\n: c\n---\n...\n"))
	files := fullFiles(f)
	files["parent.yaml"] = ruledParent
	f.Fuzz(func(t *testing.T, data []byte) {
		files := map[string]string{"cosign.pub": files["cosign.pub"], "github.json": "{}", "p.yaml": string(data)}
		p, err := policy.Load(loader(files), "p.yaml")
		if err != nil {
			return
		}
		var root yaml.Node
		dec := yaml.NewDecoder(bytes.NewReader(data))
		if err := dec.Decode(&root); err != nil {
			t.Fatalf("loaded what is no YAML: %v", err)
		}
		if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
			t.Fatal("loaded two documents")
		}
		noDuplicates(t, &root)
		p.Lint(now)
		if v := p.Decide(policy.Subject{}, now, nil, policy.Run{}); !v.Decision.Refuses() {
			t.Fatalf("nothing was examined: %s", v.Decision)
		}
		v := p.Decide(policy.Subject{}, now, []check.Result{result("DIG001", check.Fail)}, policy.Run{})
		if level, _ := p.Level("DIG001", policy.Subject{}); level == policy.LevelDeny && v.Decision == policy.Allow && len(p.Exceptions()) == 0 {
			t.Fatal("a denied failure was allowed")
		}
	})
}

func noDuplicates(t *testing.T, n *yaml.Node) {
	t.Helper()
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] {
				t.Fatalf("loaded a duplicate key %q", c.Value)
			}
			seen[c.Value] = true
		}
		noDuplicates(t, c)
	}
}
