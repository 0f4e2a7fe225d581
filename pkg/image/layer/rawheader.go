package layer

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// A rawHeader is what the header blocks of one entry say, read a second time
// and independently of archive/tar: that package, which runtimes use as well,
// settles many contradictions silently, and other readers settle them
// otherwise.
//
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
type rawHeader struct {
	typeflag byte
	size     int64 // of what follows in the archive, before a sparse file is filled
	sparse   bool
	after    int // bytes that were read after the main header, a sparse map
	problems []fact.Problem
}

const tarBlock = 512

// parseRaw reads the blocks that archive/tar consumed for one entry.
func parseRaw(b []byte) (*rawHeader, error) {
	var h rawHeader
	var pax map[string]string
	seen := map[byte]int{}
	for {
		if len(b) < tarBlock {
			return nil, fmt.Errorf("header of %d bytes", len(b))
		}
		block := b[:tarBlock]
		flag := block[156]
		size, err := parseNumber(block[124:136])
		if err != nil {
			return nil, fmt.Errorf("size field: %w", err)
		}
		b = b[tarBlock:]
		meta := flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K'
		if !meta {
			h.typeflag, h.after = flag, len(b)
			h.resolve(size, pax, seen)
			return &h, nil
		}
		seen[flag]++
		if size < 0 || size > int64(len(b)) {
			return nil, fmt.Errorf("extended header of %d bytes is cut short", size)
		}
		if flag == 'x' || flag == 'g' {
			records, repeated := parsePAXRecords(b[:size])
			for _, key := range repeated {
				h.ambiguous("the extended header states %.64q more than once", key)
			}
			if flag == 'g' {
				h.typeflag, h.size = flag, size
				h.global(records, seen)
				return &h, nil
			}
			pax = records
		}
		b = b[min(int64(len(b)), (size+tarBlock-1)/tarBlock*tarBlock):]
	}
}

func (h *rawHeader) ambiguous(format string, args ...any) {
	h.problems = append(h.problems, fact.Problem{Kind: fact.ProblemAmbiguous, Detail: fmt.Sprintf(format, args...)})
}

// global: archive/tar applies nothing of a global header to later entries,
// other readers do. A comment, as git archive writes it, changes nothing.
func (h *rawHeader) global(records map[string]string, seen map[byte]int) {
	for _, key := range slices.Sorted(maps.Keys(records)) {
		switch key {
		case "comment", "mtime", "atime", "ctime", "charset", "hdrcharset":
		default:
			h.ambiguous("a global extended header sets %.64q, which readers apply differently", key)
		}
	}
	if seen['x'] > 0 || seen['L'] > 0 || seen['K'] > 0 {
		h.ambiguous("a global extended header stands between an entry and its own extended header")
	}
}

// resolve settles the size as archive/tar does and notes what it had to settle.
func (h *rawHeader) resolve(ustar int64, pax map[string]string, seen map[byte]int) {
	for _, flag := range []byte("xLK") {
		if seen[flag] > 1 {
			h.ambiguous("%d headers of type %q for one entry", seen[flag], flag)
		}
	}
	if seen['L'] > 0 && pax["path"] != "" {
		h.ambiguous("both a GNU long name and an extended header name the entry")
	}
	if seen['K'] > 0 && pax["linkpath"] != "" {
		h.ambiguous("both a GNU long link and an extended header state the link target")
	}
	h.size = ustar
	if s := pax["size"]; s != "" {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			// The field of the first header cannot hold 8 GiB or more.
			if n != ustar && n < 1<<33 {
				h.ambiguous("the extended header says size %d, the header %d", n, ustar)
			}
			h.size = n
		}
	}
	for key := range pax {
		if strings.HasPrefix(key, "GNU.sparse.") {
			h.sparse = true
		}
	}
	h.sparse = h.sparse || h.typeflag == 'S'
	if h.headerOnly() {
		if h.size != 0 {
			h.ambiguous("an entry of type %q states size %d, which readers skip or do not", h.typeflag, h.size)
		}
		h.size = 0
	}
}

// headerOnly reports the types that have no content whatever their size says.
func (h *rawHeader) headerOnly() bool { return h.typeflag >= '1' && h.typeflag <= '6' }

// parsePAXRecords reads "length key=value\n" records; archive/tar has refused
// malformed ones. The last of a key counts, an empty value means unset.
func parsePAXRecords(b []byte) (records map[string]string, repeated []string) {
	records = make(map[string]string)
	for len(b) > 0 {
		length, _, ok := bytes.Cut(b, []byte(" "))
		n, err := strconv.Atoi(string(length))
		if !ok || err != nil || n <= len(length)+1 || n > len(b) {
			return records, repeated
		}
		key, value, _ := strings.Cut(string(b[len(length)+1:n-1]), "=")
		b = b[n:]
		// Version 0.0 of the sparse format repeats these two by design.
		if key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes" {
			records["GNU.sparse.map"] = value
			continue
		}
		if _, ok := records[key]; ok {
			repeated = append(repeated, key)
		}
		records[key] = value
	}
	return records, repeated
}

// parseNumber reads a numeric header field, octal or base-256.
func parseNumber(b []byte) (int64, error) {
	if b[0]&0x80 != 0 {
		if b[0]&0x40 != 0 {
			return 0, fmt.Errorf("negative")
		}
		var n uint64
		for i, c := range b {
			if i == 0 {
				c &= 0x7f
			}
			if n>>55 != 0 {
				return 0, fmt.Errorf("out of range")
			}
			n = n<<8 | uint64(c)
		}
		return int64(n), nil
	}
	s := strings.Trim(string(b), " \x00")
	if s == "" {
		return 0, nil
	}
	s, _, _ = strings.Cut(s, "\x00")
	n, err := strconv.ParseUint(s, 8, 63)
	return int64(n), err
}
