package main

import (
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary be the process that is measured.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_TEST_EXIT") {
	case "0":
		os.Exit(0)
	case "3":
		os.Stderr.WriteString("something was not examined\n")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	c := command{name: "self", args: []string{os.Args[0]}, env: []string{"BENCH_TEST_EXIT=0"}, ok: []int{0}}
	s, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.wall <= 0 || s.peak < 0 {
		t.Errorf("sample is %+v, want a positive wall time", s)
	}
	c.env = []string{"BENCH_TEST_EXIT=3"}
	if s, err := c.measure(t.Context()); err == nil || !strings.Contains(err.Error(), "something was not examined") {
		t.Errorf("a process that did not do its work is measured: %+v, %v", s, err)
	}
	c.args = []string{"there-is-no-such-command"}
	if s, err := c.measure(t.Context()); err == nil {
		t.Errorf("a command that does not exist is measured: %+v", s)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	ours := []sample{{wall: 2 * time.Second, cpu: time.Second, peak: 64 << 20}, {wall: time.Second}, {wall: 3 * time.Second, cpu: 2 * time.Second, peak: 32 << 20}}
	theirs := []sample{
		{wall: 8 * time.Second, cpu: 2 * time.Second}, {wall: 10 * time.Second, cpu: time.Second}, {wall: 4 * time.Second, cpu: time.Second},
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	rows(w, "ours", ours)
	ratioRows(w, "ratio", ours, theirs)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		got = append(got, strings.Join(strings.Fields(l), " "))
	}
	want := []string{
		"ours wall 1.000 s 2.000 s 3.000 s",
		"CPU 0.000 s 1.000 s 2.000 s",
		"peak memory unknown 32 MiB 64 MiB",
		"ratio wall 0.100 0.250 0.750",
		"CPU 0.000 0.500 2.000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
