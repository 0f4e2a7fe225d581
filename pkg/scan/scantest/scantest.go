// Package scantest gives test scripts a registry of their own: commands that
// build, push and sign deterministic images, and make the registry lie.
//
//	push NAME:TAG spec.json       push the image described in spec.json; sets $DIGEST
//	layout DIR TAG spec.json      write it as an OCI layout
//	archive FILE TAG spec.json    write it as docker save does
//	release NAME:VERSION DIR      push the image of a release of intact, with programs that
//	                              do nothing, and write it to the layout DIR; sets $DIGEST
//	sign NAME SEED PUBLIC DIGEST  sign DIGEST in NAME with a key made from SEED, and
//	                              write its public half to the file PUBLIC
//	sign-for NAME SEED PUBLIC DIGEST SUBJECT  the same, but attach it to SUBJECT
//	corrupt DIR                   change one byte of each layer in the layout DIR
//	mode NAME MODE                make the registry behave as MODE for NAME; "" is honest
//	modes                         write the names of all modes to stdout
//	asked N METHOD KIND [REF]     N requests of KIND, for the tag or digest REF, were
//	                              received since the last forget
//	forget                        forget the requests
//	exits N CMD…                  run CMD, which must exit with N
//	fill FILE…                    put variables in for $NAME in files
//
// NAME is a repository without the registry's host, which is in $REGISTRY.
package scantest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/rogpeppe/go-internal/testscript"
)

type registryKey struct{}

// Setup starts the registry of one script and keeps the script from touching the
// user's own folders.
func Setup(env *testscript.Env) error {
	s := testregistry.Start(testregistry.Options{})
	env.Defer(s.Close)
	env.Values[registryKey{}] = s
	home := env.WorkDir + "/home"
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	env.Setenv("REGISTRY", s.Host)
	env.Setenv("ELSEWHERE", s.Elsewhere)
	env.Setenv("HOME", home)
	env.Setenv("XDG_CACHE_HOME", home+"/cache")
	env.Setenv("XDG_CONFIG_HOME", home+"/config")
	return nil
}

// Commands are what a script can call.
func Commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"push": push, "layout": writeLayout, "archive": writeArchive, "sign": sign, "sign-for": signFor, "corrupt": corrupt, "mode": mode, "modes": modes,
		"asked": asked, "forget": forget, "exits": exits, "fill": fill, "release": releaseImage,
	}
}

func server(ts *testscript.TestScript) *testregistry.Server {
	return ts.Value(registryKey{}).(*testregistry.Server)
}

func need(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg {
		ts.Fatalf("! is not supported: %s", usage)
	}
	if len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

func build(ts *testscript.TestScript, file string) *testimage.Built {
	spec, err := testimage.Parse([]byte(ts.ReadFile(file)))
	ts.Check(err)
	b, err := testimage.Build(spec)
	ts.Check(err)
	ts.Setenv("DIGEST", string(b.Root.Descriptor.Digest))
	return b
}

func put(ts *testscript.TestScript, b *testimage.Built, repo, tag string) {
	s := server(ts)
	for _, blob := range b.Blobs {
		_, err := s.PutBlob(repo, blob.Body)
		ts.Check(err)
	}
	for i, m := range b.Manifests {
		name := string(m.Descriptor.Digest)
		if i == len(b.Manifests)-1 && tag != "" {
			name = tag
		}
		_, err := s.PutManifest(repo, name, m.Descriptor.MediaType, m.Body)
		ts.Check(err)
	}
}

func push(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "push NAME:TAG spec.json")
	repo, tag, _ := strings.Cut(args[0], ":")
	put(ts, build(ts, args[1]), repo, tag)
}

func writeLayout(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "layout DIR TAG spec.json")
	ts.Check(testimage.WriteLayout(ts.MkAbs(args[0]), testimage.Entry{Built: build(ts, args[2]), Name: args[1]}))
}

func writeArchive(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "archive FILE TAG spec.json")
	files, err := testimage.DockerSaveFiles(build(ts, args[2]).Images[0], args[1])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	err = testimage.WriteTar(f, files)
	ts.Check(errors.Join(err, f.Close()))
}

func sign(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 4, "sign NAME SEED PUBLIC DIGEST")
	signFor(ts, neg, append(args, args[3]))
}

func signFor(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 5, "sign-for NAME SEED PUBLIC DIGEST SUBJECT")
	seed, err := strconv.Atoi(args[1])
	ts.Check(err)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(seed)}, ed25519.SeedSize))
	digest, err := ref.ParseDigest(args[3])
	ts.Check(err)
	b, err := testimage.CosignSignature(key, server(ts).Host+"/"+args[0], digest)
	ts.Check(err)
	put(ts, b, args[0], testimage.SigTag(ref.Digest(args[4])))
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
}

// corrupt flips a bit in every blob that is no JSON.
func corrupt(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "corrupt DIR")
	blobs, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "blobs", "*", "*"))
	ts.Check(err)
	for _, name := range blobs {
		b, err := os.ReadFile(name)
		ts.Check(err)
		if len(b) == 0 || b[0] == '{' {
			continue
		}
		b[len(b)/2] ^= 1
		ts.Check(os.WriteFile(name, b, 0o600))
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "mode NAME MODE")
	ts.Check(server(ts).SetMode(args[0], args[1]))
}

func modes(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, "modes")
	_, err := ts.Stdout().Write([]byte(strings.Join(testregistry.Modes(), "\n") + "\n"))
	ts.Check(err)
}

func asked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: asked N METHOD KIND [REF]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var all []string
	for _, q := range server(ts).Requests() {
		all = append(all, q.Method+" "+q.Kind+" "+q.Path)
		if q.Method == args[1] && q.Kind == args[2] && (len(args) == 3 || q.Reference == args[3]) {
			got++
		}
	}
	if got != want {
		slices.Sort(all)
		ts.Fatalf("%d requests %s, want %d; all:\n%s", got, strings.Join(args[1:], " "), want, strings.Join(all, "\n"))
	}
}

func forget(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, "forget")
	server(ts).Forget()
}

// exits runs a program and compares its exit status, of which testscript's own !
// knows only whether it is zero.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N CMD…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%s exits %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}
