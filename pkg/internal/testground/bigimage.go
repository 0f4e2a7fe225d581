package testground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// bigImageVersion is part of the cached image's folder name; raise it when
// bigLayers change.
const bigImageVersion = "1"

// BigImageTag is the reference name of the big image in its layout.
const BigImageTag = "big"

// bigLayers are the layers of the big image after its Debian base: what each
// runs in the image, as its history shows it.
func bigLayers() []string {
	install := func(packages string) string {
		return "apt-get install -qq -y --no-install-recommends " + packages + " && apt-get clean"
	}
	return []string{
		"apt-get update -qq && " + install("python3 python3-pip ca-certificates"),
		install("build-essential git"),
		install("default-jre-headless nginx"),
		"groupadd -g 1000 app && useradd -u 1000 -g 1000 -m app" +
			" && mkdir -p /srv/app/plugins && cp -L /usr/bin/python3 /srv/app/run" +
			" && chown -R app:app /srv/app && chmod -R 777 /srv/app/plugins",
		"rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man /var/log/*.log",
		"mkdir -p /data && chown app /data",
	}
}

// BigImage returns the folder of an OCI image layout that holds, under
// [BigImageTag], a Debian image of seven layers and close to a gigabyte:
// python3, a compiler, git, a Java runtime and nginx, a world-writable layer, a
// layer that removes files, a VOLUME and a non-root USER. It is made once per
// cache, in some minutes; that needs Linux, root, mmdebstrap and umoci.
func BigImage(ctx context.Context) (string, error) {
	var layout string
	err := locked("big-image", func(cache string) error {
		layout = filepath.Join(cache, "big-image-"+bigImageVersion)
		if _, err := os.Stat(filepath.Join(layout, "index.json")); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		work, err := os.MkdirTemp(cache, "big-image-work-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		made := filepath.Join(work, "layout")
		if err := makeBigImage(ctx, work, made); err != nil {
			return err
		}
		return os.Rename(made, layout)
	})
	if err != nil {
		return "", fmt.Errorf("make the big image: %w", err)
	}
	return layout, nil
}

func makeBigImage(ctx context.Context, work, layout string) error {
	mmdebstrap, err := Command("mmdebstrap", "mmdebstrap")
	if err != nil {
		return err
	}
	umoci, err := Command("umoci", "umoci")
	if err != nil {
		return err
	}
	image := layout + ":" + BigImageTag
	bundle := filepath.Join(work, "bundle")
	rootfs := filepath.Join(bundle, "rootfs")
	base := filepath.Join(work, "base.tar")
	repack := func(history string) []string {
		return []string{umoci, "repack", "--image", image, "--refresh-bundle", "--history.created_by", history, bundle}
	}
	steps := [][]string{
		{mmdebstrap, "--variant=minbase", "--mode=root", "bookworm", base},
		{umoci, "init", "--layout", layout},
		{umoci, "new", "--image", image},
		{umoci, "unpack", "--image", image, bundle},
		{"tar", "-x", "--numeric-owner", "-p", "--exclude=./dev/*", "-f", base, "-C", rootfs},
		{"sh", "-euc", denyServices, "sh", rootfs},
		repack("mmdebstrap --variant=minbase bookworm"),
	}
	for _, script := range bigLayers() {
		steps = append(steps, []string{"unshare", "--mount", "--pid", "--fork", "sh", "-euc", inRoot, "sh", rootfs, script}, repack("/bin/sh -c "+script))
	}
	steps = append(steps,
		[]string{umoci, "config", "--image", image, "--config.user", "app", "--config.volume", "/data",
			"--config.workingdir", "/srv/app", "--config.entrypoint", "/srv/app/run", "--config.cmd", "-V",
			"--config.env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--no-history"},
		[]string{umoci, "gc", "--layout", layout})
	for _, step := range steps {
		cmd := exec.CommandContext(ctx, step[0], step[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}

// denyServices keeps packages from starting their services while they are
// installed, as the official Debian image does.
const denyServices = `printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"`

// inRoot runs script $2 in root $1 with /proc, /dev and the machine's name
// resolution. It is itself in a mount and a process namespace of its own, so
// that nothing it mounts or starts outlives it.
const inRoot = `
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
[ -e "$1/etc/resolv.conf" ] && mount --bind /etc/resolv.conf "$1/etc/resolv.conf"
exec chroot "$1" /bin/sh -euc "$2"
`
