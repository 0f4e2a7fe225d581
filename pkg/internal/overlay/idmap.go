package overlay

import (
	"bytes"
	"fmt"
	"strconv"
)

// An IDMap is how a user namespace numbers users or groups. Empty is as outside.
type IDMap []IDRange

// An IDRange maps Size numbers from Outside on, as this process sees them, to
// those from Inside on.
type IDRange struct{ Inside, Outside, Size uint32 }

// overflowID is what a namespace shows for an owner that it has no number for.
const overflowID = 65534

// maxIDRanges is the most that Linux takes.
const maxIDRanges = 340

// ParseIDMap reads /proc/PID/uid_map or gid_map, PID being any process of the
// container.
//
// https://man7.org/linux/man-pages/man7/user_namespaces.7.html
func ParseIDMap(b []byte) (IDMap, error) {
	var m IDMap
	for line := range bytes.Lines(b) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 || len(m) == maxIDRanges {
			return nil, fmt.Errorf("parse map of a user namespace: line %d %q; expected three numbers in at most %d lines", len(m)+1, line, maxIDRanges)
		}
		var n [3]uint32
		for i, f := range fields {
			v, err := strconv.ParseUint(string(f), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("parse map of a user namespace: line %d: %w", len(m)+1, err)
			}
			n[i] = uint32(v)
		}
		m = append(m, IDRange{n[0], n[1], n[2]})
	}
	return m, nil
}

// inside returns the container's number for an owner on the disk.
func (m IDMap) inside(id uint32) uint32 {
	if len(m) == 0 {
		return id
	}
	for _, r := range m {
		if id >= r.Outside && id-r.Outside < r.Size {
			return r.Inside + (id - r.Outside)
		}
	}
	return overflowID
}
