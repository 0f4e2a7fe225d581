package fact

// A User is the effective user of an image: USER looked up in the image's own
// passwd and group files as a runtime does it.
type User struct {
	Spec   string   `json:"spec"` // as in the config; "" = root
	Name   string   `json:"name,omitempty"`
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"` // supplementary, sorted
}

// A Filesystem is what the merged layers of one platform show about change.
// All groups are sorted by layer, then directory.
type Filesystem struct {
	Entries int   `json:"entries"` // of the merged tree
	Bytes   int64 `json:"bytes"`   // of its regular files

	WorldWritable []PathGroup `json:"worldWritable,omitempty"` // LAY001
	// UserCode is what the image's user can change, directly or by replacing it
	// in its directory, and that lies on an execution path. Empty for root.
	UserCode   []PathGroup `json:"userCode,omitempty"`   // LAY002
	Privileged []PathGroup `json:"privileged,omitempty"` // LAY003: Detail says setuid, setgid or capabilities
	Unsafe     []PathGroup `json:"unsafe,omitempty"`     // LAY008: Detail says device, escape, link
	Replaced   []PathGroup `json:"replaced,omitempty"`   // LAY009: Detail names the layer replaced
	Tools      []Tool      `json:"tools,omitempty"`      // LAY006
	Entrypoint Entrypoint  `json:"entrypoint"`           // LAY007

	// Code is for SET002: whatever the user.
	Code Value[Code] `json:"code,omitzero"`
	// Open are for the read-only root: directories that a user other than root can
	// write by owner, group or mode, whatever lies above them. A directory in one
	// with the same owner, group and mode is left out.
	Open List[Dir] `json:"open,omitzero"`
}

// A PathGroup is many paths with one cause. Paths holds all of them up to
// limits.GroupPaths; Count may be larger, and then all lie below Dir.
type PathGroup struct {
	Dir       Bytes   `json:"dir"` // deepest directory that holds all of them, absolute
	Paths     []Bytes `json:"paths"`
	Count     int     `json:"count"`
	Layer     int     `json:"layer"` // from 0
	CreatedBy string  `json:"createdBy,omitempty"`
	Detail    string  `json:"detail,omitempty"`
}

// A Tool is a program by which a container can modify itself.
type Tool struct {
	Name      string `json:"name"` // "apt", "pip", "puppet"
	Kind      string `json:"kind"` // "package manager", "self-updater", "configuration agent", "scheduler"
	Path      Bytes  `json:"path"`
	Layer     int    `json:"layer"`
	CreatedBy string `json:"createdBy,omitempty"`
	// Effect says what the image's user can change with it: "as root", or the
	// directory it can write.
	Effect string `json:"effect"`
}

// An Entrypoint is how the first process is found.
type Entrypoint struct {
	Argv0 string `json:"argv0,omitempty"` // "" = the image names no command
	// Shell is set if a shell form is run; Program is then the shell.
	Shell   bool  `json:"shell,omitempty"`
	Program Bytes `json:"program,omitempty"` // where it resolves to; "" = missing
	// Writable is each step of the resolution (PATH directory, link, interpreter,
	// the file itself) that the image's user, if not root, or everyone can change.
	Writable []Bytes `json:"writable,omitempty"`
	Missing  string  `json:"missing,omitempty"` // why it does not resolve
}

// A Code says where, outside of the places that hold code in every image (/bin,
// /lib*, /usr/lib* and so on), files lie that are on an execution path.
type Code struct {
	// Paths are files, or directories that hold such files deeper than Depth
	// components: sorted, none below another, at most limits.CodePaths.
	Paths []Bytes `json:"paths,omitempty"`
	Depth int     `json:"depth,omitempty"`
}

// A Dir is a directory of an image that somebody else than root can write.
type Dir struct {
	Path Bytes  `json:"path"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
	Mode uint32 `json:"mode"` // the permission bits, with setuid, setgid and sticky
	// Files counts what lies in it, at any depth: a mount would hide that.
	Files int `json:"files,omitempty"`
}
