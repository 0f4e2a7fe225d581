package kubernetes

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// A cutOut is what is left out of a message before it is decoded, by the numbers of
// its fields: all of a field, or parts of it. Most of a pod (probes, resources,
// conditions, who manages which field) is of no use here, and decoding it makes
// ten times the garbage. Fields that are not named stay, so that a new one is
// not lost.
//
// https://github.com/kubernetes/api/blob/v0.37.1/core/v1/generated.proto
type cutOut [48]*cutOut

// out leaves a field out.
var out = &cutOut{}

// fields leaves whole fields out.
func fields(numbers ...int) *cutOut {
	c := &cutOut{}
	for _, n := range numbers {
		c[n] = out
	}
	return c
}

// in adds what is left out of a part.
func (c *cutOut) in(number int, part *cutOut) *cutOut {
	c[number] = part
	return c
}

// What is left out of each kind. Names of fields stand beside their numbers in
// prune_test.go, which compares what comes of an object with and without.
var (
	cutMeta      = fields(2, 4, 6, 7, 8, 10, 14, 17)
	cutEnv       = fields(1, 2)
	cutContainer = fields(3, 4, 5, 6, 8, 10, 11, 12, 13, 16, 17, 18, 20, 21, 22, 23).in(7, cutEnv)
	cutPodSpec   = fields(4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 35, 38, 39, 40, 41, 43, 44).
			in(2, cutContainer).in(20, cutContainer).in(34, (&cutOut{}).in(1, cutContainer))
	cutState     = fields(3, 4, 5, 9, 10, 11, 13, 14, 15)
	cutPodStatus = fields(2, 3, 4, 5, 6, 7, 9, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22).in(8, cutState).in(10, cutState).in(13, cutState)
	cutPod       = (&cutOut{}).in(1, cutMeta).in(2, cutPodSpec).in(3, cutPodStatus)
	cutTemplate  = fields(1).in(2, cutPodSpec)

	// cuts are of what is listed. Nothing is left out of a kind that is not here.
	cuts = map[resource]*cutOut{
		pods:                cutPod,
		nodes:               fields(2).in(1, fields(2, 4, 6, 7, 8, 11, 12, 13, 14, 17)).in(3, fields(1, 2, 5, 6, 9, 10, 11, 12, 13, 14)),
		replicaSets:         fields(3).in(1, cutMeta).in(2, fields(2).in(3, cutTemplate)),
		controllers:         fields(3).in(1, cutMeta).in(2, fields(2).in(3, cutTemplate)),
		statefulSets:        fields(2).in(1, cutMeta).in(3, fields(10)),
		jobs:                fields(3).in(1, cutMeta).in(2, fields(4, 11, 16).in(6, cutTemplate)),
		cronJobs:            fields(3).in(1, cutMeta).in(2, (&cutOut{}).in(5, fields(1).in(2, fields(4, 11, 16).in(6, cutTemplate)))),
		controllerRevisions: (&cutOut{}).in(1, cutMeta),
	}
)

// prune appends src without what c leaves out. What cannot be parsed is appended
// as it is, for the decoder to say so.
func prune(dst, src []byte, c *cutOut) []byte {
	for len(src) > 0 {
		num, typ, n := protowire.ConsumeTag(src)
		if n < 0 {
			return append(dst, src...)
		}
		size := protowire.ConsumeFieldValue(num, typ, src[n:])
		if size < 0 {
			return append(dst, src...)
		}
		size += n
		var part *cutOut
		if int(num) < len(c) {
			part = c[num]
		}
		switch {
		case part == nil, part != out && typ != protowire.BytesType:
			dst = append(dst, src[:size]...)
		case part != out:
			dst = append(dst, src[:n]...)
			value, _ := protowire.ConsumeBytes(src[n:]) // it was consumed before
			dst = nested(dst, value, part)
		}
		src = src[size:]
	}
	return dst
}

// nested appends a pruned message with its length before it.
func nested(dst, value []byte, c *cutOut) []byte {
	start := len(dst)
	dst = prune(dst, value, c)
	var prefix [10]byte
	p := protowire.AppendVarint(prefix[:0], uint64(len(dst)-start))
	dst = append(dst, p...)
	copy(dst[start+len(p):], dst[start:len(dst)-len(p)])
	copy(dst[start:], p)
	return dst
}
