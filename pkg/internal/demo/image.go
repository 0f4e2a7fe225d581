package main

import (
	"strings"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// appUID is the user that the image runs as, and who owns its code.
const appUID = 1000

func spec() testimage.Spec {
	return testimage.Spec{Images: []testimage.Image{platform("amd64", "x86_64"), platform("arm64", "aarch64")}}
}

// platform describes the image of one architecture. Its programs say what they
// stand in for: nothing of it is to be run.
func platform(arch, machine string) testimage.Image {
	return testimage.Image{
		Platform: "linux/" + arch,
		Config: testimage.Config{
			User:       "app",
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Entrypoint: []string{"/app/bin/api"},
			Cmd:        []string{"--listen", ":8080"},
			Volumes:    map[string]struct{}{"/data": {}},
			WorkingDir: "/app",
			Labels: map[string]string{
				"org.opencontainers.image.source":  "https://github.com/acme/api",
				"org.opencontainers.image.version": tag,
			},
		},
		Layers: []testimage.Layer{
			{CreatedBy: "ADD rootfs.tar.gz / # buildkit", Files: base(arch, machine)},
			{CreatedBy: "RUN /bin/sh -c adduser -D -u 1000 app && apk add --no-cache curl # buildkit", Files: []testimage.File{
				{Path: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"},
				{Path: "etc/group", Content: "root:x:0:\napp:x:1000:\n"},
				{Path: "home/"},
				{Path: "home/app/", Mode: "0700", UID: appUID, GID: appUID},
				program("usr/bin/curl", "curl 8.11.0", arch),
				program("usr/lib/libcurl.so.4", "libcurl 8.11.0", arch),
			}},
			{CreatedBy: "COPY --chown=app . /app # buildkit", Files: code(arch)},
			{CreatedBy: "RUN /bin/sh -c mkdir -m 777 /var/cache/api && mkdir /data && chown app /data # buildkit", Files: []testimage.File{
				{Path: "var/cache/api/", Mode: "0777"},
				{Path: "data/", UID: appUID, GID: appUID},
			}},
			// A patched binary over the packaged one.
			{CreatedBy: "COPY curl /usr/bin/curl # buildkit", Files: []testimage.File{program("usr/bin/curl", "curl 8.11.1", arch)}},
		},
	}
}

func base(arch, machine string) []testimage.File {
	setuid := program("bin/bbsuid", "bbsuid", arch)
	setuid.Mode = "4755"
	files := []testimage.File{}
	for _, dir := range strings.Fields("app/ bin/ etc/ etc/apk/ lib/ lib/apk/ lib/apk/db/ root/ run/ sbin/ usr/ usr/bin/ usr/lib/ usr/local/ usr/local/bin/ usr/sbin/ var/ var/cache/") {
		files = append(files, testimage.File{Path: dir})
	}
	return append(files,
		testimage.File{Path: "tmp/", Mode: "1777"},
		testimage.File{Path: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\n"},
		testimage.File{Path: "etc/group", Content: "root:x:0:\n"},
		testimage.File{Path: "etc/os-release", Content: "NAME=\"Demo Linux\"\nID=demo\nID_LIKE=alpine\nVERSION_ID=3.22.1\n"},
		testimage.File{Path: "etc/apk/world", Content: "busybox\n"},
		testimage.File{Path: "lib/apk/db/installed", Content: "P:busybox\nV:1.37.0-r12\nA:" + machine + "\n"},
		program("lib/ld-musl-"+machine+".so.1", "musl 1.2.5", arch),
		program("bin/busybox", "busybox 1.37.0", arch),
		setuid,
		testimage.File{Path: "bin/sh", Link: "/bin/busybox"},
		testimage.File{Path: "bin/su", Link: "/bin/bbsuid"},
		program("sbin/apk", "apk-tools 2.14.9", arch),
	)
}

func code(arch string) []testimage.File {
	files := []testimage.File{
		{Path: "app/"}, {Path: "app/bin/"}, {Path: "app/lib/"},
		{Path: "app/bin/api", Mode: "0755", Content: "#!/bin/sh\n# Stands in for acme/api " + tag + " for " + arch + ".\nexec /app/lib/server \"$@\"\n"},
		program("app/lib/server", "acme/api server "+tag, arch),
		{Path: "app/lib/routes.json", Content: "{\"/\": \"index\", \"/health\": \"health\"}\n"},
		{Path: "app/config.yaml", Content: "listen: :8080\ndata: /data\n"},
	}
	for i := range files {
		files[i].UID, files[i].GID = appUID, appUID
	}
	return files
}

func program(path, what, arch string) testimage.File {
	return testimage.File{Path: path, Mode: "0755", Content: "stands in for " + what + " for linux/" + arch + "\n"}
}
