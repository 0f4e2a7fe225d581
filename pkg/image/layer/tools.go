package layer

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/intact-dev/intact/pkg/fact"
)

// A tool is a program by which a running container can change itself, and the
// places it writes to do so (patterns; any one of them will do).
type tool struct {
	name, kind string
	programs   []string
	writes     []string
}

const (
	packageManager = "package manager"
	selfUpdater    = "self-updater"
	configAgent    = "configuration agent"
	scheduler      = "scheduler"
)

// tools is the closed list of LAY006.
var tools = []tool{
	{"apt", packageManager, []string{"apt-get", "apt", "aptitude"}, []string{"/var/lib/dpkg"}},
	{"dpkg", packageManager, []string{"dpkg"}, []string{"/var/lib/dpkg"}},
	{"dnf", packageManager, []string{"dnf", "dnf5", "dnf-3"}, []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}},
	{"yum", packageManager, []string{"yum"}, []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}},
	{"microdnf", packageManager, []string{"microdnf", "tdnf"}, []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}},
	{"rpm", packageManager, []string{"rpm"}, []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}},
	{"zypper", packageManager, []string{"zypper"}, []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm"}},
	{"apk", packageManager, []string{"apk"}, []string{"/lib/apk/db", "/usr/lib/apk/db"}},
	{"pacman", packageManager, []string{"pacman"}, []string{"/var/lib/pacman"}},
	{"pip", packageManager, []string{"pip", "pip3", "uv", "pipx"}, []string{
		"/usr/lib/python3*/site-packages", "/usr/lib/python3/dist-packages", "/usr/local/lib/python3*/site-packages",
		"/usr/local/lib/python3*/dist-packages", "/opt/venv/lib/python3*/site-packages", "/venv/lib/python3*/site-packages",
		"/app/.venv/lib/python3*/site-packages"}},
	{"conda", packageManager, []string{"conda", "mamba", "micromamba"}, []string{"/opt/conda/conda-meta", "/opt/conda"}},
	{"npm", packageManager, []string{"npm", "yarn", "pnpm"}, []string{
		"/usr/local/lib/node_modules", "/usr/lib/node_modules", "/app/node_modules", "/usr/src/app/node_modules"}},
	{"gem", packageManager, []string{"gem", "bundle", "bundler"}, []string{"/var/lib/gems", "/usr/local/bundle", "/usr/local/lib/ruby/gems", "/usr/lib/ruby/gems"}},
	{"composer", packageManager, []string{"composer"}, []string{"/app/vendor", "/var/www/html/vendor"}},
	{"unattended-upgrades", selfUpdater, []string{"unattended-upgrade", "unattended-upgrades", "dnf-automatic", "yum-cron"}, []string{"/var/lib/dpkg", "/var/lib/rpm"}},
	{"watchtower", selfUpdater, []string{"watchtower"}, nil},
	{"puppet", configAgent, []string{"puppet"}, []string{"/etc/puppetlabs", "/etc/puppet"}},
	{"chef", configAgent, []string{"chef-client", "chef-solo", "cinc-client"}, []string{"/etc/chef", "/etc/cinc"}},
	{"salt", configAgent, []string{"salt-minion", "salt-call"}, []string{"/etc/salt"}},
	{"ansible-pull", configAgent, []string{"ansible-pull"}, []string{"/etc/ansible"}},
	{"cfengine", configAgent, []string{"cf-agent"}, []string{"/var/cfengine"}},
	{"cron", scheduler, []string{"cron", "crond", "anacron", "fcron", "supercronic"}, []string{"/var/spool/cron/crontabs", "/var/spool/cron", "/etc/cron.d", "/etc/crontab"}},
}

// toolDirs are searched beside PATH: agents bring their own.
var toolDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
	"/opt/puppetlabs/bin", "/opt/chef/bin", "/opt/conda/bin", "/opt/venv/bin", "/"}

// findTools returns the tools that u can run to effect.
func findTools(t *Tree, cfg fact.Config, u fact.User, createdBy []string) []fact.Tool {
	dirs := pathDirs(cfg)
	for _, dir := range toolDirs {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	a := userAccess(t, u)
	var out []fact.Tool
	for _, tool := range tools {
		id, ok := tool.find(t, a, u, dirs)
		if !ok {
			continue
		}
		effect := tool.effect(t, a, u, id)
		if effect == "" {
			continue
		}
		n := t.at(id)
		f := fact.Tool{Name: tool.name, Kind: tool.kind, Path: t.path(id), Layer: int(n.layer), Effect: effect}
		if f.Layer < len(createdBy) {
			f.CreatedBy = createdBy[f.Layer]
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(x, y fact.Tool) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	return out
}

// find returns the first of the programs that the user may execute.
func (x tool) find(t *Tree, a *access, u fact.User, dirs []string) (nodeID, bool) {
	var e Entry
	for _, program := range x.programs {
		for _, dir := range dirs {
			r := resolver{t: t}
			id, why := r.walk(0, []byte(dir+"/"+program), true)
			if why != "" {
				continue
			}
			t.entry(id, &e)
			if e.Type == TypeFile && e.Mode&0o111 != 0 && (u.UID == 0 || a.reachOf(id).search && a.who.may(&e, 1)) {
				return id, true
			}
		}
	}
	return 0, false
}

// effect says what the user can change with it; "" if nothing.
func (x tool) effect(t *Tree, a *access, u fact.User, id nodeID) string {
	if u.UID == 0 {
		return "as root"
	}
	var e Entry
	if t.entry(id, &e); e.UID == 0 && e.Mode&modeSetuid != 0 {
		return "as root, by its setuid bit"
	}
	for _, pattern := range x.writes {
		for _, dir := range t.glob(pattern) {
			r := resolver{t: t}
			to, why := r.walk(0, []byte(t.path(dir)), true)
			if why != "" {
				continue
			}
			t.entry(to, &e)
			if a.reachOf(to).search && a.who.may(&e, 2) {
				return "can write " + quotePath(t.path(to))
			}
		}
	}
	return ""
}

func userAccess(t *Tree, u fact.User) *access {
	return &access{t: t, who: newAccount(u.UID, append([]uint32{u.GID}, u.Groups...))}
}

// quotePath shows a path in a sentence; odd ones are quoted.
func quotePath(p fact.Bytes) string {
	if plain().MatchString(string(p)) {
		return string(p)
	}
	return strconv.Quote(string(p))
}
