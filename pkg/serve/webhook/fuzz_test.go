package webhook_test

import (
	"bufio"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// fuzz holds a decoder to what is true of every delivery, whatever comes.
func fuzz(f *testing.F, kind string) {
	for _, s := range samples(f) {
		if s.kind == kind {
			var b strings.Builder
			if err := s.header.Write(&b); err != nil {
				f.Fatal(err)
			}
			f.Add(b.String(), s.body)
		}
	}
	decoder := decoders(f)[kind]
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n\r\n"))).ReadMIMEHeader()
		if err != nil {
			return
		}
		d, err := decoder.Decode(http.Header(h), body)
		if err != nil && strings.Contains(err.Error(), "canary") {
			return // the fuzzer found the word by itself
		}
		check(t, kind, d, err)
		again, err2 := decoder.Decode(http.Header(h), body)
		if told(d, err) != told(again, err2) || d.Key != again.Key {
			t.Fatalf("%s: told twice, and not the same", kind)
		}
	})
}

func FuzzDistribution(f *testing.F)     { fuzz(f, "distribution") }
func FuzzHarbor(f *testing.F)           { fuzz(f, "harbor") }
func FuzzDockerHub(f *testing.F)        { fuzz(f, "dockerhub") }
func FuzzGitHub(f *testing.F)           { fuzz(f, "github") }
func FuzzQuay(f *testing.F)             { fuzz(f, "quay") }
func FuzzACR(f *testing.F)              { fuzz(f, "acr") }
func FuzzEventGrid(f *testing.F)        { fuzz(f, "acr-eventgrid") }
func FuzzECR(f *testing.F)              { fuzz(f, "ecr") }
func FuzzArtifactRegistry(f *testing.F) { fuzz(f, "artifact-registry") }
func FuzzArtifactory(f *testing.F)      { fuzz(f, "artifactory") }
func FuzzNexus(f *testing.F)            { fuzz(f, "nexus") }
func FuzzZot(f *testing.F)              { fuzz(f, "zot") }
func FuzzGitea(f *testing.F)            { fuzz(f, "gitea") }
func FuzzAliyun(f *testing.F)           { fuzz(f, "aliyun") }
func FuzzGeneric(f *testing.F)          { fuzz(f, "generic") }
