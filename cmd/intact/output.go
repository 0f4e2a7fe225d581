package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/report"
	"github.com/urfave/cli/v2"
)

// An output is one report to write: a format, and a file or "" for standard
// output.
type output struct{ format, file string }

// patches is the output of --suggest, which takes standard output for itself.
const patches = "patches"

// scanOutputs are the reports that the flags of scan ask for.
func scanOutputs(c *cli.Context) ([]output, error) {
	out, err := wantedOutputs(c)
	if err != nil {
		return nil, err
	}
	return out, checkPlaces(out)
}

func wantedOutputs(c *cli.Context) ([]output, error) {
	if !c.Bool("suggest") {
		return parseOutputs(c.StringSlice("format"), c.String("output"))
	}
	var out []output
	if len(c.StringSlice("format")) > 0 {
		var err error
		if out, err = parseOutputs(c.StringSlice("format"), ""); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o output) bool { return o.file == place(c.String("output")) }) {
			return nil, usage(errors.New("a report and the patches of --suggest for one place"), "give the report a file of its own: --format text=report.txt")
		}
	}
	return append(out, output{patches, place(c.String("output"))}), nil
}

func parseOutputs(values []string, file string) ([]output, error) {
	if len(values) == 0 {
		values = []string{"text"}
	}
	var out []output
	onStdout := 0
	for _, v := range values {
		format, to, named := strings.Cut(v, "=")
		if !slices.Contains(formatNames(), format) {
			return nil, usage(fmt.Errorf("unknown report format %q", format), "there is: "+strings.Join(formatNames(), ", "))
		}
		if named && to == "" {
			return nil, usage(fmt.Errorf("--format %s names no file", v), "write --format "+format+"=FILE")
		}
		if !named {
			onStdout++
			to = file
		}
		to = place(to)
		if slices.ContainsFunc(out, func(o output) bool { return o.file == to }) {
			return nil, usage(errors.New("two reports for one place"), "give each --format a file of its own: --format json=report.json --format text")
		}
		out = append(out, output{format, to})
	}
	if file != "" && onStdout == 0 {
		return nil, usage(errors.New("--output without a report to write there"), "every --format names a file already; drop --output")
	}
	return out, nil
}

// place is where a report goes that is to go to a file: - is standard output, as
// everywhere.
func place(file string) string {
	if file == "-" {
		return ""
	}
	return file
}

// checkPlaces finds before anything is examined what reports cannot be written to.
func checkPlaces(outputs []output) error {
	for _, o := range outputs {
		if o.file == "" {
			continue
		}
		if info, err := os.Stat(o.file); err == nil && info.IsDir() {
			return usage(fmt.Errorf("write report to %q: it is a folder", o.file), "name a file in it")
		}
		dir := filepath.Dir(o.file)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usage(fmt.Errorf("write report to %q: there is no folder %q", o.file, dir), "make it first")
		}
	}
	return nil
}

// write writes all reports; files appear whole or not at all. One that cannot be
// written keeps no other from its place.
func (s *scanSetup) write(r *report.Report, outputs []output) error {
	var failed error
	for _, o := range outputs {
		to := func(write func(io.Writer) error) error { return write(s.p.stdout) }
		if o.file != "" {
			to = func(write func(io.Writer) error) error { return writeFile(o.file, write) }
		}
		if err := to(func(w io.Writer) error { return s.format(w, r, o) }); err != nil {
			failed = errors.Join(failed, fmt.Errorf("write report: %w", err))
		}
	}
	if failed != nil {
		return usage(failed, "")
	}
	return nil
}

// writeFile replaces the file name by what write writes, whole. A symbolic link
// is followed, anything that is no regular file is written to directly: a pipe,
// /dev/null.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(name); statErr == nil {
		if info.IsDir() {
			return fmt.Errorf("%q is a folder", name)
		}
		if !info.Mode().IsRegular() {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			return errors.Join(write(f), f.Close())
		}
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync() // the name must never stand for bytes that a crash can take
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}
