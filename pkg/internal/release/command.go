package release

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Run is the command image: it builds the image that args describe, and prints its
// digest.
func Run(args []string, env func(string) string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(stderr)
	programs := map[string]*string{
		"amd64": flags.String("amd64", "", "`FILE` of the program for linux/amd64"),
		"arm64": flags.String("arm64", "", "`FILE` of the program for linux/arm64"),
	}
	certificates := flags.String("certificates", "", "`FILE` of root certificates, PEM")
	version := flags.String("version", "", "`VERSION` without v, and the tag in the layout")
	revision := flags.String("revision", "", "`COMMIT` that it is built from")
	source := flags.String("source", "https://github.com/intact-dev/intact", "`URL` of the sources")
	output := flags.String("output", "", "new `FOLDER` to write the OCI layout to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *version == "" || *output == "" || *certificates == "" {
		return errors.New("expected --version, --certificates, --output, --amd64 or --arm64, and nothing else")
	}
	created, err := sourceDate(env("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	i := Image{Programs: map[string]io.ReaderAt{}, Version: *version, Revision: *revision, Source: *source, Created: created}
	if i.Certificates, err = os.ReadFile(*certificates); err != nil {
		return fmt.Errorf("read the certificates: %w", err)
	}
	for arch, name := range programs {
		if *name == "" {
			continue
		}
		f, e := os.Open(*name)
		if e != nil {
			return fmt.Errorf("open the program for %s: %w", arch, e)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		i.Programs[arch] = f
	}
	index, err := i.Index()
	if err != nil {
		return err
	}
	digest, err := Write(*output, *version, index)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, digest)
	return err
}

// sourceDate reads SOURCE_DATE_EPOCH. There is no default: the time of the build
// would make each build another image.
//
// https://reproducible-builds.org/specs/source-date-epoch/
func sourceDate(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q; expected seconds since 1970: $(git log -1 --format=%%ct)", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
