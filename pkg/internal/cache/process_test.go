package cache_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/cache"
)

// TestMain is also the other process of TestTwoProcesses.
func TestMain(m *testing.M) {
	if dir := os.Getenv("INTACT_TEST_CACHE"); dir != "" {
		os.Exit(otherProcess(dir))
	}
	os.Exit(m.Run())
}

// otherProcess writes a whole entry and a part of one, says so, and waits to be
// killed.
func otherProcess(dir string) int {
	c, err := cache.Open(cache.Options{Dir: dir, KeyFile: os.Getenv("INTACT_TEST_KEY"), Version: "1", Now: at(noon)})
	if err != nil {
		return 1
	}
	w := c.Put("layer", "whole")
	_, _ = w.Write(content)
	if err := w.Commit(); err != nil {
		return 1
	}
	w = c.Put("layer", "part")
	_, _ = w.Write(content)
	_, _ = os.Stdout.WriteString("written\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 1
}

// Two processes share a key and entries; one that is killed while it writes
// leaves nothing that counts.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	o := options(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds what the first one made
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), "INTACT_TEST_CACHE="+o.Dir, "INTACT_TEST_KEY="+o.KeyFile)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line != "written\n" {
			t.Errorf("the other process says %q, %v", line, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the other process ended by itself")
		}
	}
	c := open(t, o)
	if got, _, ok := get(t, c, "layer", "whole"); !ok || !bytes.Equal(got, content) {
		t.Error("the entry of the other process is not found")
	}
	if _, _, ok := get(t, c, "layer", "part"); ok {
		t.Error("half an entry is found")
	}
}
