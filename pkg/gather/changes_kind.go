package gather

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A subject is a path of which is asked what it is good for.
type subject struct {
	path string // absolute
	typ  string // as observe.Entry says; "" = not known
	mode uint32
	// head is the beginning of a file's content. Of a file of the image only the
	// line that names its interpreter is kept.
	head []byte
	code bool // it lies where code is run from: docs/execution-paths.md
}

func (s subject) base() string { return path.Base(s.path) }
func (s subject) is(typ string) bool {
	return s.typ == typ || s.typ == "" && typ == "file"
}
func (s subject) executable() bool { return s.typ == "file" && s.mode&0o111 != 0 }

// A kindRule says what a path is good for. The first rule that matches decides.
type kindRule struct {
	kind  fact.FileKind
	what  string // for docs/runtime-changes.md
	why   string
	match func(subject) bool
}

// kindRules are the table of docs/runtime-changes.md; a test holds the two
// together.
func kindRules() []kindRule {
	return []kindRule{
		{fact.FileLibrary, "`/etc/ld.so.preload`, `/etc/ld.so.cache`, `/etc/ld.so.conf`, below `/etc/ld.so.conf.d`, `/etc/ld-musl-*.path`",
			"they say which libraries every program loads", func(s subject) bool { return loaderPaths().MatchString(s.path) }},
		{fact.FileLibrary, "named `*.so`, `*.so.*`, `*.jar`, `*.war`, `*.ear`, `*.class`, `*.dll`, `*.node`, `*.ko`, `*.pyd`, `*.wasm`, `*.beam`, `*.egg`, `*.whl`",
			"programs load code from them", func(s subject) bool { return s.typ != "dir" && libraryNames().MatchString(s.base()) }},
		{fact.FileLibrary, "ELF that is no program: relocatable, or shared without a permission to execute",
			"modules of programs and of the kernel", elfLibrary},
		{fact.FileExecutable, "begins like a program: ELF, PE (`MZ`), Mach-O, WebAssembly",
			"whatever its name and mode: both can be changed later, or the loader called with it", func(s subject) bool { return s.is("file") && program(s.head) }},
		{fact.FileScript, "begins with `#!`", "the kernel runs its interpreter", func(s subject) bool { return s.is("file") && bytes.HasPrefix(s.head, []byte("#!")) }},
		{fact.FileScript, "named like a script: `*.py *.pyc *.pyo *.pth *.js *.mjs *.cjs *.jsx *.ts *.rb *.rake *.php *.phtml *.phar *.pl *.pm *.sh *.bash *.zsh *.ksh *.lua *.tcl *.awk *.R *.jsp *.jspx *.asp *.aspx *.erb *.ejs *.cgi *.groovy *.ex *.exs *.ps1`",
			"an interpreter or a server runs it, wherever it lies", func(s subject) bool { return s.typ != "dir" && scriptNames().MatchString(s.base()) }},
		{fact.FileScript, "what runs by itself: below `/etc/cron*`, `/var/spool/cron`, `/etc/init`, `/etc/init.d`, `/etc/rc*.d`, `/etc/profile.d`, `/etc/s6-overlay`, `/etc/services.d`, `/etc/cont-init.d`, `/etc/systemd`, `/lib/systemd`, `/usr/lib/systemd`; `/etc/crontab`, `/etc/anacrontab`, `/etc/inittab`, `/etc/rc.local`, `/etc/profile`, `/etc/bash.bashrc`; `.profile`, `.bashrc` and their like in any directory",
			"schedulers, init systems and shells run it", func(s subject) bool {
				return s.typ != "dir" && (startPaths().MatchString(s.path) || shellFiles().MatchString(s.base()))
			}},
		{fact.FileScript, "executable, and all that is seen of it is text", "a shell runs it without `#!`", func(s subject) bool { return s.executable() && len(s.head) > 0 && text(s.head) }},
		{fact.FileExecutable, "executable, whatever it holds", "somebody means to run it", subject.executable},
		{fact.FileExecutable, "symbolic link on an execution path (see [execution-paths.md](execution-paths.md)), or directory on one, or the root",
			"who sets it chooses what is run", func(s subject) bool {
				return s.code && (s.typ == "symlink" || s.typ == "dir") || s.path == "/"
			}},
		{fact.FileConfiguration, "`/etc`, `/usr/local/etc`, `/usr/share/ca-certificates`, `/usr/local/share/ca-certificates` and directories called `.ssh`, with all below them",
			"accounts, certificates, keys, settings of the system's programs", func(s subject) bool { return configPaths().MatchString(s.path) }},
		{fact.FileConfiguration, "named `*.conf *.cnf *.cfg *.config *.ini *.toml *.yaml *.yml *.properties *.env *.rc *.pem *.crt *.key`, `.env`, `.htaccess`, `.npmrc`, `.netrc` and their like",
			"settings of applications", func(s subject) bool { return s.typ != "dir" && configNames().MatchString(s.base()) }},
		{fact.FileConfiguration, "named `*.json` or `*.xml` on an execution path", "elsewhere programs keep data in these forms", func(s subject) bool {
			return s.code && s.typ != "dir" && (strings.HasSuffix(s.path, ".json") || strings.HasSuffix(s.path, ".xml"))
		}},
		{fact.FileData, "all else", "it changes what the image holds, and is lost with the container", func(subject) bool { return true }},
	}
}

var (
	loaderPaths  = lazy.Regexp(`^/etc/(ld\.so\.(preload|cache|conf)$|ld\.so\.conf\.d/|ld-musl-[^/]*\.path$)`)
	libraryNames = lazy.Regexp(`\.(so|so\..+|jar|war|ear|class|dll|node|ko|pyd|wasm|beam|egg|whl)$`)
	scriptNames  = lazy.Regexp(`\.(py|pyc|pyo|pth|js|mjs|cjs|jsx|ts|rb|rake|php|phtml|phar|pl|pm|sh|bash|zsh|ksh|lua|tcl|awk|R|jsp|jspx|asp|aspx|erb|ejs|cgi|groovy|ex|exs|ps1)$`)
	startPaths   = lazy.Regexp(`^(/etc/(cron[^/]*|init|init\.d|rc[^/]*\.d|profile\.d|s6-overlay|services\.d|cont-init\.d|systemd)/.|/var/spool/cron/.|/(usr/)?lib/systemd/.|` +
		`/etc/(crontab|anacrontab|inittab|rc\.local|profile|bash\.bashrc)$)`)
	shellFiles  = lazy.Regexp(`^\.(profile|bashrc|bash_profile|bash_login|bash_logout|bash_aliases|zshrc|zshenv|zprofile|zlogin|kshrc|shrc|cshrc|tcshrc|login|logout|inputrc|xprofile|xsessionrc)$`)
	configPaths = lazy.Regexp(`^/(etc|usr/local/etc|usr/(local/)?share/ca-certificates)(/|$)|/\.ssh(/|$)`)
	configNames = lazy.Regexp(`(^.+|^)\.(conf|cnf|cfg|config|ini|toml|yaml|yml|properties|env|rc|pem|crt|key)$|^\.(htaccess|htpasswd|npmrc|yarnrc|netrc|pypirc|gitconfig|my\.cnf|pgpass|curlrc|wgetrc)$`)
)

// Magic numbers of programs.
var programMagic = [][]byte{
	[]byte("\x7fELF"), []byte("MZ"), []byte("\x00asm"),
	{0xfe, 0xed, 0xfa, 0xce}, {0xfe, 0xed, 0xfa, 0xcf}, {0xce, 0xfa, 0xed, 0xfe}, {0xcf, 0xfa, 0xed, 0xfe}, {0xca, 0xfe, 0xba, 0xbe},
}

func program(head []byte) bool {
	return slices.ContainsFunc(programMagic, func(m []byte) bool { return bytes.HasPrefix(head, m) })
}

// elfLibrary looks at e_type, which stands in the byte order that the header
// names.
//
// https://man7.org/linux/man-pages/man5/elf.5.html
func elfLibrary(s subject) bool {
	const relocatable, shared = 1, 3
	if !s.is("file") || len(s.head) < 18 || !bytes.HasPrefix(s.head, programMagic[0]) {
		return false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if s.head[5] == 2 {
		order = binary.BigEndian
	}
	switch order.Uint16(s.head[16:]) {
	case relocatable:
		return true
	case shared:
		return s.typ == "file" && !s.executable()
	}
	return false
}

// text reports whether b could be lines of text, in whatever encoding.
func text(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && !slices.Contains([]byte("\t\n\v\f\r\x1b"), c) || c == 0x7f })
}

// kindOf returns what s is good for.
func kindOf(rules []kindRule, s subject) fact.FileKind {
	for _, r := range rules {
		if r.match(s) {
			return r.kind
		}
	}
	return fact.FileData
}

// kinds in the order of what matters more.
var kinds = []fact.FileKind{fact.FileExecutable, fact.FileLibrary, fact.FileScript, fact.FileConfiguration, fact.FileData}

// worse returns the kind that matters more.
func worse(a, b fact.FileKind) fact.FileKind {
	if slices.Index(kinds, b) < slices.Index(kinds, a) {
		return b
	}
	return a
}
