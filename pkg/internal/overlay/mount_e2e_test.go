//go:build linux && e2e

package overlay

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/internal/overlay/overlaytest"
	"github.com/intact-dev/intact/pkg/observe"
)

// Random operations on real mounts: the image and what Walk tells of the upper
// directory must give what the container sees.
func TestWalkAgainstTheMount(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct {
		name, options string
		form          Form
		fuse          bool
	}{
		{"plain", "", FormKernel, false},
		{"plain with the form not known", "", FormUnknown, false},
		{"redirects and metacopy", ",redirect_dir=on,metacopy=on", FormKernel, false},
		{"userxattr", ",userxattr", FormKernelUser, false},
		{"fuse", "", FormFuse, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath("fuse-overlayfs"); tt.fuse && err != nil {
				t.Skip("fuse-overlayfs (Debian package fuse-overlayfs) is not installed")
			}
			for seed := range uint64(15) {
				m := overlaytest.New(t, tt.options, tt.fuse, seed)
				lower := overlaytest.List(t, m.Lower)
				for range 40 {
					m.Operate()
				}
				if tt.fuse {
					// fuse-overlayfs keeps some of what it shows in memory alone.
					m.Unmount()
					m.Mount()
				}
				merged := described(overlaytest.List(t, m.Merged))
				if d := cmp.Diff(merged, applied(t, lower, m.Upper, tt.form)); d != "" {
					t.Errorf("seed %d (-mount +lower and upper):\n%s\n%s", seed, d, strings.Join(m.Log, "\n"))
				}
				m.Unmount()
				if !cmp.Equal(merged, applied(t, lower, m.Upper, tt.form)) {
					t.Errorf("seed %d: not the same after the mount has ended", seed)
				}
			}
		})
	}
}

// applied is what Walk tells, put over the lower tree.
func applied(t *testing.T, lower map[string]observe.Entry, upper string, form Form) map[string]string {
	t.Helper()
	out := map[string]observe.Entry{}
	for p, e := range lower {
		out[p] = e
	}
	drop := func(p string, itself bool) {
		for q := range out {
			if itself && q == p || strings.HasPrefix(q, p+"/") {
				delete(out, q)
			}
		}
	}
	before := ""
	err := Walk(t.Context(), upper, Options{Form: form}, func(w observe.Written) error {
		p, from := string(w.Path), string(w.Renamed)
		if w.Err != nil {
			t.Errorf("%s: %v", p, w.Err)
		}
		if order := strings.ReplaceAll(p, "/", "\x00"); order <= before {
			t.Errorf("%q is out of order", p)
		} else {
			before = order
		}
		switch {
		case p == "/":
			return nil
		case w.Removed:
			drop(p, true)
			return nil
		case w.Opaque:
			drop(p, false)
		case from != "" && !w.Entry.MetadataOnly:
			drop(p, true)
			for q, e := range lower {
				if rest, ok := strings.CutPrefix(q, from+"/"); ok {
					out[p+"/"+rest] = e
				}
			}
		case w.Entry.Type != typeDir || out[p].Type != typeDir:
			drop(p, true)
		}
		if w.Entry.MetadataOnly {
			if lower[from].Type != typeFile {
				t.Errorf("%s: metadata of %q, which is a %q", p, from, lower[from].Type)
			}
			w.Entry.Digest = lower[from].Digest
		}
		out[p] = w.Entry
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return described(out)
}

func described(entries map[string]observe.Entry) map[string]string {
	out := map[string]string{}
	for p, e := range entries {
		out[p] = fmt.Sprintf("%s %o %d:%d %s%s", e.Type, e.Mode, e.UID, e.GID, e.Link, e.Digest)
	}
	return out
}
