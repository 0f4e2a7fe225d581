package gitfiles

import (
	"bytes"
	"errors"
	"path"
	"strings"
)

// errLFS is the error of reading a file that Git LFS keeps elsewhere.
var errLFS = errors.New("a Git LFS pointer: the content of the file is not in the commit")

// maxLFS is the size that a pointer stays below. See
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
const maxLFS = 1024

// isLFS reports whether b is a pointer; the second word is from before the first
// release, and still read.
func isLFS(b []byte) bool {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	switch string(bytes.TrimRight(first, "\r")) {
	case "version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1":
		return bytes.Contains(rest, []byte("oid "))
	}
	return false
}

// passes reports whether a pointer at p can be passed over, as a walk passes over
// the binary file that it stands for: by the endings that Git LFS is mostly used
// for. With any other it is a file that was not read.
func passes(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".heic", ".bmp", ".ico", ".svg", ".tif", ".tiff", ".psd", ".ai", ".eps", ".pdf",
		".mp3", ".mp4", ".m4a", ".m4v", ".wav", ".flac", ".ogg", ".webm", ".mov", ".avi", ".mkv",
		".ttf", ".otf", ".woff", ".woff2", ".eot",
		".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".war", ".whl", ".deb", ".rpm", ".apk", ".dmg", ".msi", ".iso",
		".exe", ".dll", ".so", ".dylib", ".a", ".o", ".lib", ".wasm", ".class", ".pyc",
		".onnx", ".pt", ".pth", ".safetensors", ".gguf", ".h5", ".hdf5", ".pb", ".tflite", ".pkl", ".parquet", ".avro", ".npy", ".npz",
		".db", ".sqlite", ".sqlite3", ".fbx", ".blend", ".glb", ".stl", ".docx", ".xlsx", ".pptx":
		return true
	}
	return false
}
