package layer

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// capabilityNames are Linux's, by number.
//
// https://man7.org/linux/man-pages/man7/capabilities.7.html
const capabilityNames = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable " +
	"net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace " +
	"sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control " +
	"setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"

// capabilities names the permitted and inheritable capabilities of a
// security.capability value: struct vfs_cap_data, revisions 1 to 3.
func capabilities(value []byte) string {
	if len(value) < 12 {
		return fmt.Sprintf("capabilities in a form of %d bytes", len(value))
	}
	words := 1
	switch revision := value[3]; revision {
	case 1:
	case 2, 3:
		words = 2
	default:
		return fmt.Sprintf("capabilities of revision %d", revision)
	}
	if len(value) < 4+8*words {
		return fmt.Sprintf("capabilities in a form of %d bytes", len(value))
	}
	var set uint64
	for i := range words {
		permitted := binary.LittleEndian.Uint32(value[4+8*i:])
		inheritable := binary.LittleEndian.Uint32(value[8+8*i:])
		set |= uint64(permitted|inheritable) << (32 * i)
	}
	names := strings.Fields(capabilityNames)
	var out []string
	for i := range 64 {
		switch {
		case set&(1<<i) == 0:
		case i < len(names):
			out = append(out, "cap_"+names[i])
		default:
			out = append(out, fmt.Sprintf("capability %d", i))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "capabilities " + strings.Join(out, ", ")
}
