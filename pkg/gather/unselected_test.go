package gather

import (
	"errors"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// An index may list what a mirror does not hold, but only of a platform that is
// stated can anybody say that it is not the one in question.
func TestAMissingManifestIsNotAskedOnlyOfAnotherPlatform(t *testing.T) {
	t.Parallel()
	gone := &image.Error{Op: "get manifest", Cause: fact.NotFound, Err: errors.New("404")}
	for name, tt := range map[string]struct {
		child image.Child
		want  fact.Cause
	}{
		"stated":    {image.Child{Platform: ref.Platform{OS: "linux", Architecture: "s390x"}}, fact.NotAsked},
		"no_arch":   {image.Child{Platform: ref.Platform{OS: "windows"}}, fact.NotFound},
		"no_os":     {image.Child{Platform: ref.Platform{Architecture: "s390x"}}, fact.NotFound},
		"none":      {image.Child{}, fact.NotFound},
		"selected":  {image.Child{Platform: ref.Platform{OS: "linux", Architecture: "amd64"}, Selected: true}, fact.NotFound},
		"forbidden": {image.Child{Platform: ref.Platform{OS: "linux", Architecture: "s390x"}, Err: &image.Error{Op: "get manifest", Cause: fact.Forbidden}}, fact.Forbidden},
	} {
		c := tt.child
		c.Class = fact.ClassImage
		if c.Err == nil {
			c.Err = gone
		}
		got := Documents(&c)
		if len(got.Parts) != 1 || got.Parts[0].State != fact.Unknown || got.Parts[0].Cause != tt.want {
			t.Errorf("%s: %+v, want one part unknown for %s", name, got.Parts, tt.want)
		}
	}
}
