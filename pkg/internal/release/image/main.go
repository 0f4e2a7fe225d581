// Command image builds the container image of a release as an OCI layout and
// prints its digest. From the root of the repository:
//
//	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) go run ./pkg/internal/release/image \
//	  --amd64 dist/intact_linux_amd64_v1/intact --arm64 dist/intact_linux_arm64_v8.0/intact \
//	  --certificates /etc/ssl/certs/ca-certificates.crt --version 1.2.3 --output dist/image
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/intact-dev/intact/pkg/internal/release"
)

func main() {
	err := release.Run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}
