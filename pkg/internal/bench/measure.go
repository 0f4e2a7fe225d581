package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A sample is what the operating system says about one process that ended.
type sample struct {
	wall, cpu time.Duration
	// peak is the largest resident set in bytes; 0 = this system does not say.
	// It is never below that of this process, which is small.
	peak int64
}

// measure runs c to its end; its output is thrown away.
func (c command) measure(ctx context.Context) (sample, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return sample{}, fmt.Errorf("run %s: %w", c.name, err)
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains(c.ok, code) {
		return sample{}, fmt.Errorf("run %q: exit code %d, want one of %v: nothing to measure\n%s",
			cmd.Args, code, c.ok, stderr.String())
	}
	return sample{
		wall: wall,
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak: peakMemory(cmd.ProcessState),
	}, nil
}

// spread is the minimum, median and maximum of one figure of samples.
func spread[T cmp.Ordered](samples []sample, figure func(sample) T) [3]T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return spreadOf(values)
}

// spreadOf is the minimum, median (of an even number the upper one) and
// maximum of values, of which there is at least one.
func spreadOf[T cmp.Ordered](values []T) [3]T {
	s := slices.Sorted(slices.Values(values))
	return [3]T{s[0], s[len(s)/2], s[len(s)-1]}
}
