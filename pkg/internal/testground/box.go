package testground

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// BoxCommands are the commands that an image of [Box] has in /bin; the comment
// of package box says what they do.
func BoxCommands() []string {
	return []string{"cat", "chmod", "cp", "ln", "ls", "mkdir", "mv", "print", "rm", "sleep", "touch", "write"}
}

// Box describes an image that runs: package box's static program, which sleeps
// unless told otherwise, as user 0. Two variants differ in one file,
// /app/variant. The caller may add to the description.
func Box(ctx context.Context, variant string) (testimage.Spec, error) {
	program, err := boxProgram(ctx)
	if err != nil {
		return testimage.Spec{}, err
	}
	base := []testimage.File{
		{Path: "bin/", Mode: "0755"},
		{Path: "bin/box", Mode: "0755", Content: program},
	}
	for _, name := range BoxCommands() {
		base = append(base, testimage.File{Path: "bin/" + name, Link: "box"})
	}
	base = append(base, testimage.File{Path: "etc/", Mode: "0755"},
		testimage.File{Path: "etc/passwd", Content: "root:x:0:0:root:/:/bin/box\napp:x:1000:1000:app:/:/bin/box\n"},
		testimage.File{Path: "etc/group", Content: "root:x:0:\napp:x:1000:\n"},
		testimage.File{Path: "tmp/", Mode: "1777"})
	return testimage.Spec{Images: []testimage.Image{{
		Platform: "linux/" + runtime.GOARCH,
		Config:   testimage.Config{Entrypoint: []string{"/bin/sleep"}, Env: []string{"PATH=/bin"}},
		Layers: []testimage.Layer{
			{CreatedBy: "COPY box /bin/", Files: base},
			{CreatedBy: "COPY . /app/", Files: []testimage.File{
				{Path: "app/", Mode: "0755"},
				{Path: "app/variant", Content: variant + "\n"},
				{Path: "app/lib/", Mode: "0755"},
				{Path: "app/lib/libapp.so", Mode: "0755", Content: "\x7fELF of " + variant + "\n"},
				{Path: "app/run.sh", Mode: "0755", Content: "#!/bin/sh\nexec /bin/box sleep\n"},
				{Path: "app/app.conf", Content: "variant = " + variant + "\n"},
			}},
		},
	}}}, nil
}

// boxProgram builds package box, which Go's own cache makes quick.
func boxProgram(ctx context.Context) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", fmt.Errorf("build box: %w", err)
	}
	dir, err := os.MkdirTemp("", "intact-box-")
	if err != nil {
		return "", fmt.Errorf("build box: %w", err)
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "box")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", bin, "./pkg/internal/testground/box")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0", "GOOS=linux")
	if _, err := output(cmd); err != nil {
		return "", fmt.Errorf("build box: %w", err)
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		return "", fmt.Errorf("build box: %w", err)
	}
	return string(b), nil
}
