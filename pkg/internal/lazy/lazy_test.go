package lazy_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/internal/lazy"
)

func TestRegexpIsCompiledOnce(t *testing.T) {
	t.Parallel()
	digits := lazy.Regexp(`^\d+$`)
	if first, second := digits(), digits(); first != second {
		t.Errorf("%p and %p: two expressions", first, second)
	}
	if !digits().MatchString("12") || digits().MatchString("x") {
		t.Errorf("%s matches something else", digits())
	}
}

func TestRegexpIsNotCompiledBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	broken := lazy.Regexp(`(`)
	defer func() {
		if recover() == nil {
			t.Error("no panic of what is no expression")
		}
	}()
	broken()
}
