// Package e2e holds the end-to-end tests of the command line: the program as
// users build it, against real registries, with images and signatures that other
// people's tools made.
//
//	go test -tags e2e ./pkg/internal/e2e
//
// needs root, the Debian packages of testground.DebianPackages, git and pre-commit; the first run
// also builds cosign and an image of nearly a gigabyte, which takes minutes.
// INTACT_E2E_BINARY names a binary to test instead of building one.
package e2e
