package pgserver

import (
	"os"
	"syscall"
)

// memoryRoom is what a directory in memory has to have free, since a server
// whose disk is full dies.
const memoryRoom = 4 << 30

// memoryDir is the directory in memory that Linux has for every account, or ""
// if there is none with that much room. In a container it often has not.
func memoryDir(room uint64) string {
	const dir, tmpfs = "/dev/shm", 0x01021994
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o003 != 0o003 {
		return ""
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || int64(fs.Type) != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return dir
}
