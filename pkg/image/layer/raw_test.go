package layer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
)

// rawBlock writes one header as bytes, however wrong it is.
func rawBlock(name string, typeflag byte, size string) []byte {
	b := make([]byte, tarBlock)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:136], size)
	copy(b[136:], "00000000000\x00")
	b[156] = typeflag
	copy(b[257:], "ustar\x0000")
	copy(b[148:156], "        ")
	n := 0
	for _, c := range b {
		n += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", n))
	return b
}

func octal(n int) string { return fmt.Sprintf("%011o\x00", n) }

func paxRecord(key, value string) string {
	n := len(key) + len(value) + 3
	for len(fmt.Sprint(n))+len(key)+len(value)+3 != n {
		n = len(fmt.Sprint(n)) + len(key) + len(value) + 3
	}
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

// rawEntry is a header and its padded content.
func rawEntry(name string, typeflag byte, body string) []byte {
	return append(rawBlock(name, typeflag, octal(len(body))), padded(body)...)
}

func padded(s string) []byte {
	return append([]byte(s), make([]byte, (tarBlock-len(s)%tarBlock)%tarBlock)...)
}

func rawArchive(parts ...[]byte) []byte {
	return append(bytes.Join(parts, nil), make([]byte, 2*tarBlock)...)
}

func TestRawHeaders(t *testing.T) {
	t.Parallel()
	body := padded("hello")
	for _, tt := range []struct {
		name string
		in   []byte
		want string // part of a problem; "" for none
		kind fact.ProblemKind
	}{
		{"plain", rawArchive(rawEntry("a", '0', "hello")), "", ""},
		{"size with spaces", rawArchive(rawBlock("a", '0', "         5  "), body), "", ""},
		{"size in base 256", rawArchive(rawBlock("a", '0', "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05"), body), "", ""},
		{"size is negative", rawArchive(rawBlock("a", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), body), "invalid tar header", fact.ProblemUnverifiable},
		{"size is huge", rawArchive(rawBlock("a", '0', "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"), body), "EOF", fact.ProblemUnverifiable},
		{"size beyond the layer", rawArchive(rawBlock("a", '0', octal(99999)), body), "EOF", fact.ProblemUnverifiable},
		{"bad checksum", rawArchive(flip(rawEntry("a", '0', "hello"), 0)), "invalid tar header", fact.ProblemUnverifiable},
		{"pax size that disagrees", rawArchive(rawEntry("x", 'x', paxRecord("size", "5")), rawBlock("a", '0', octal(512)), body), "says size 5, the header 512", fact.ProblemAmbiguous},
		{"pax size that agrees", rawArchive(rawEntry("x", 'x', paxRecord("size", "5")), rawBlock("a", '0', octal(5)), body), "", ""},
		{"pax path", rawArchive(rawEntry("x", 'x', paxRecord("path", "long")), rawEntry("a", '0', "hello")), "", ""},
		{"pax path, empty", rawArchive(rawEntry("x", 'x', paxRecord("path", "")), rawEntry("a", '0', "hello")), "", ""},
		{"pax path with NUL", rawArchive(rawEntry("x", 'x', paxRecord("path", "a\x00b")), rawEntry("a", '0', "hello")), "invalid tar header", fact.ProblemUnverifiable},
		{"repeated pax key", rawArchive(rawEntry("x", 'x', paxRecord("path", "b")+paxRecord("path", "c")), rawEntry("a", '0', "hello")), `"path" more than once`, fact.ProblemAmbiguous},
		{"two pax headers", rawArchive(rawEntry("x", 'x', paxRecord("path", "b")), rawEntry("x", 'x', paxRecord("path", "c")), rawEntry("a", '0', "hello")), "2 headers of type", fact.ProblemAmbiguous},
		{"two long names", rawArchive(rawEntry("L", 'L', "b\x00"), rawEntry("L", 'L', "c\x00"), rawEntry("a", '0', "hello")), "2 headers of type", fact.ProblemAmbiguous},
		{"long name and pax path", rawArchive(rawEntry("x", 'x', paxRecord("path", "b")), rawEntry("L", 'L', "c\x00"), rawEntry("a", '0', "hello")), "both a GNU long name", fact.ProblemAmbiguous},
		{"long link and pax linkpath", rawArchive(rawEntry("x", 'x', paxRecord("linkpath", "b")), rawEntry("L", 'K', "c\x00"), rawEntry("a", '2', "")), "both a GNU long link", fact.ProblemAmbiguous},
		{"global comment", rawArchive(rawEntry("g", 'g', paxRecord("comment", "b")), rawEntry("a", '0', "hello")), "", ""},
		{"global path", rawArchive(rawEntry("g", 'g', paxRecord("path", "b")), rawEntry("a", '0', "hello")), `global extended header sets "path"`, fact.ProblemAmbiguous},
		{"global size", rawArchive(rawEntry("g", 'g', paxRecord("size", "0")), rawEntry("a", '0', "hello")), `global extended header sets "size"`, fact.ProblemAmbiguous},
		{"global between", rawArchive(rawEntry("x", 'x', paxRecord("path", "b")), rawEntry("g", 'g', paxRecord("comment", "b")), rawEntry("a", '0', "hello")), "stands between", fact.ProblemAmbiguous},
		{"size on a link", rawArchive(rawBlock("a", '2', octal(512)), rawEntry("b", '0', "hello")), "states size 512", fact.ProblemAmbiguous},
		{"size on a directory", rawArchive(rawBlock("a/", '5', octal(512)), rawEntry("b", '0', "hello")), "states size 512", fact.ProblemAmbiguous},
		{"slash after a file", rawArchive(rawEntry("a/", '0', "hello")), "ends in a slash", fact.ProblemAmbiguous},
		{"owner out of range", rawArchive(rawEntry("x", 'x', paxRecord("uid", "4294967296")), rawEntry("a", '0', "hello")), "out of range", fact.ProblemAmbiguous},
		{"no end marker", rawEntry("a", '0', "hello"), "", ""},
		{"one block of the end marker", append(rawEntry("a", '0', "hello"), make([]byte, tarBlock)...), "", ""},
		{"zeros after the end", append(rawArchive(rawEntry("a", '0', "hello")), make([]byte, 1<<20)...), "", ""},
		{"text after the end", append(rawArchive(rawEntry("a", '0', "hello")), "x"...), "after the end of the archive", fact.ProblemTrailing},
		{"sparse map with a million parts", rawArchive(rawEntry("x", 'x', paxRecord("GNU.sparse.major", "1")+paxRecord("GNU.sparse.minor", "0")+paxRecord("GNU.sparse.realsize", "9223372036854775807")),
			rawEntry("a", '0', "1000000\n"+strings.Repeat("1\n1\n", 300))), "archive", fact.ProblemUnverifiable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := read(t, tt.in, plainType)
			if tt.want == "" {
				if len(c.Fact.Problems) > 0 || !c.Readable() {
					t.Errorf("problems: %v", c.Fact.Problems)
				}
				return
			}
			for _, p := range c.Fact.Problems {
				if strings.Contains(p.Detail, tt.want) && p.Kind == tt.kind && !p.Note {
					return
				}
			}
			t.Errorf("problems %v hold none with %q of kind %s", c.Fact.Problems, tt.want, tt.kind)
		})
	}
}
