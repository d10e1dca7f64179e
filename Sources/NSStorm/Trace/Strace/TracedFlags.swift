/// The kernel's numbers of the flags that watched programs use, and the names that strace prints.
public enum TracedFlags {
  public static let newMounts: UInt64 = 0x0002_0000
  public static let newUsers: UInt64 = 0x1000_0000
  static let newNetwork: UInt64 = 0x4000_0000
  static let newIPC: UInt64 = 0x0800_0000
  static let newProcessIDs: UInt64 = 0x2000_0000
  static let shareFileSystem: UInt64 = 0x200
  static let shareFiles: UInt64 = 0x400
  static let thread: UInt64 = 0x0001_0000

  static let closeOnExec: UInt64 = 0o2000000
  static let openPath: UInt64 = 0o10000000
  static let openDirectory: UInt64 = 0o200000
  static let openNoFollow: UInt64 = 0o400000
  static let openCreate: UInt64 = 0o100
  static let openExclusive: UInt64 = 0o200
  static let openTemporary: UInt64 = 0o20000000

  static let atSymlinkNoFollow: UInt64 = 0x100
  static let atRemoveDirectory: UInt64 = 0x200
  static let atRecursive: UInt64 = 0x8000
  static let openTreeClone: UInt64 = 1
  static let closeRangeCloseOnExec: UInt64 = 4
  static let closeRangeUnshare: UInt64 = 2

  static let moveSetGroup: UInt64 = 0x100
  static let moveBeneath: UInt64 = 0x200

  static let attributeReadOnly: UInt64 = 1
  static let attributeIdmap: UInt64 = 0x10_0000

  /// The number behind a name that strace prints; nil for one that is not known here.
  static func number(named name: some StringProtocol) -> UInt64? {
    if let known = numbers[String(name)] { return known }
    // The signal of a clone is the low byte of its flags and means nothing to mounts.
    return name.hasPrefix("SIG") ? 0 : nil
  }

  private static let numbers: [String: UInt64] = [
    "NULL": 0, "AT_FDCWD": UInt64(bitPattern: -100),
    // mount(2)
    "MS_RDONLY": 1, "MS_NOSUID": 2, "MS_NODEV": 4, "MS_NOEXEC": 8, "MS_SYNCHRONOUS": 16,
    "MS_REMOUNT": 32, "MS_MANDLOCK": 64, "MS_DIRSYNC": 128, "MS_NOSYMFOLLOW": 256,
    "MS_NOATIME": 1024, "MS_NODIRATIME": 2048, "MS_BIND": 4096, "MS_MOVE": 8192, "MS_REC": 16384,
    "MS_SILENT": 32768, "MS_POSIXACL": 1 << 16, "MS_UNBINDABLE": 1 << 17, "MS_PRIVATE": 1 << 18,
    "MS_SLAVE": 1 << 19, "MS_SHARED": 1 << 20, "MS_RELATIME": 1 << 21, "MS_KERNMOUNT": 1 << 22,
    "MS_I_VERSION": 1 << 23, "MS_STRICTATIME": 1 << 24, "MS_LAZYTIME": 1 << 25,
    "MS_SUBMOUNT": 1 << 26, "MS_NOREMOTELOCK": 1 << 27, "MS_NOSEC": 1 << 28, "MS_BORN": 1 << 29,
    "MS_ACTIVE": 1 << 30, "MS_NOUSER": 1 << 31, "MS_MGC_VAL": 0xC0ED_0000,
    "MNT_FORCE": 1, "MNT_DETACH": 2, "MNT_EXPIRE": 4, "UMOUNT_NOFOLLOW": 8,
    // clone(2), unshare(2), setns(2)
    "CLONE_NEWTIME": 0x80, "CLONE_VM": 0x100, "CLONE_FS": 0x200, "CLONE_FILES": 0x400,
    "CLONE_SIGHAND": 0x800, "CLONE_PIDFD": 0x1000, "CLONE_PTRACE": 0x2000, "CLONE_VFORK": 0x4000,
    "CLONE_PARENT": 0x8000, "CLONE_THREAD": 0x10000, "CLONE_NEWNS": 0x20000,
    "CLONE_SYSVSEM": 0x40000, "CLONE_SETTLS": 0x80000, "CLONE_PARENT_SETTID": 0x100000,
    "CLONE_CHILD_CLEARTID": 0x200000, "CLONE_DETACHED": 0x400000, "CLONE_UNTRACED": 0x800000,
    "CLONE_CHILD_SETTID": 0x1000000, "CLONE_NEWCGROUP": 0x2000000, "CLONE_NEWUTS": 0x4000000,
    "CLONE_NEWIPC": 0x8000000, "CLONE_NEWUSER": 0x1000_0000, "CLONE_NEWPID": 0x2000_0000,
    "CLONE_NEWNET": 0x4000_0000, "CLONE_IO": 0x8000_0000, "CLONE_CLEAR_SIGHAND": 1 << 32,
    "CLONE_INTO_CGROUP": 1 << 33,
    // open(2)
    "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_ACCMODE": 3, "O_CREAT": 0o100, "O_EXCL": 0o200,
    "O_NOCTTY": 0o400, "O_TRUNC": 0o1000, "O_APPEND": 0o2000, "O_NONBLOCK": 0o4000,
    "O_DSYNC": 0o10000, "FASYNC": 0o20000, "O_DIRECT": 0o40000, "O_LARGEFILE": 0o100000,
    "O_DIRECTORY": 0o200000, "O_NOFOLLOW": 0o400000, "O_NOATIME": 0o1000000,
    "O_CLOEXEC": 0o2000000, "O_SYNC": 0o4010000, "__O_SYNC": 0o4000000, "O_PATH": 0o10000000,
    "O_TMPFILE": 0o20200000, "__O_TMPFILE": 0o20000000, "FD_CLOEXEC": 1,
    // the at calls
    "AT_SYMLINK_NOFOLLOW": 0x100, "AT_REMOVEDIR": 0x200, "AT_SYMLINK_FOLLOW": 0x400,
    "AT_NO_AUTOMOUNT": 0x800, "AT_EMPTY_PATH": 0x1000, "AT_RECURSIVE": 0x8000, "AT_EACCESS": 0x200,
    "AT_STATX_SYNC_AS_STAT": 0, "AT_STATX_FORCE_SYNC": 0x2000, "AT_STATX_DONT_SYNC": 0x4000,
    "OPEN_TREE_CLONE": 1, "OPEN_TREE_NAMESPACE": 2, "OPEN_TREE_CLOEXEC": 0o2000000,
    "MOVE_MOUNT_F_SYMLINKS": 1, "MOVE_MOUNT_F_AUTOMOUNTS": 2, "MOVE_MOUNT_F_EMPTY_PATH": 4,
    "MOVE_MOUNT_T_SYMLINKS": 0x10, "MOVE_MOUNT_T_AUTOMOUNTS": 0x20,
    "MOVE_MOUNT_T_EMPTY_PATH": 0x40, "MOVE_MOUNT_SET_GROUP": 0x100, "MOVE_MOUNT_BENEATH": 0x200,
    "MOUNT_ATTR_RDONLY": 1, "MOUNT_ATTR_NOSUID": 2, "MOUNT_ATTR_NODEV": 4, "MOUNT_ATTR_NOEXEC": 8,
    "MOUNT_ATTR__ATIME": 0x70, "MOUNT_ATTR_RELATIME": 0, "MOUNT_ATTR_NOATIME": 0x10,
    "MOUNT_ATTR_STRICTATIME": 0x20, "MOUNT_ATTR_NODIRATIME": 0x80, "MOUNT_ATTR_IDMAP": 0x100000,
    "MOUNT_ATTR_NOSYMFOLLOW": 0x200000,
    "FSOPEN_CLOEXEC": 1, "FSMOUNT_CLOEXEC": 1, "FSPICK_CLOEXEC": 1, "FSPICK_SYMLINK_NOFOLLOW": 2,
    "FSPICK_NO_AUTOMOUNT": 4, "FSPICK_EMPTY_PATH": 8,
    "FSCONFIG_SET_FLAG": 0, "FSCONFIG_SET_STRING": 1, "FSCONFIG_SET_BINARY": 2,
    "FSCONFIG_SET_PATH": 3, "FSCONFIG_SET_PATH_EMPTY": 4, "FSCONFIG_SET_FD": 5,
    "FSCONFIG_CMD_CREATE": 6, "FSCONFIG_CMD_RECONFIGURE": 7, "FSCONFIG_CMD_CREATE_EXCL": 8,
    "CLOSE_RANGE_UNSHARE": 2, "CLOSE_RANGE_CLOEXEC": 4, "RENAME_NOREPLACE": 1,
    "RENAME_EXCHANGE": 2, "RENAME_WHITEOUT": 4, "PIDFD_NONBLOCK": 0o4000,
    "F_DUPFD": 0, "F_SETFD": 2, "F_DUPFD_CLOEXEC": 1030,
    // st_mode
    "S_IFDIR": 0o40000, "S_IFREG": 0o100000, "S_IFLNK": 0o120000, "S_IFCHR": 0o20000,
    "S_IFBLK": 0o60000, "S_IFIFO": 0o10000, "S_IFSOCK": 0o140000, "S_ISUID": 0o4000,
    "S_ISGID": 0o2000, "S_ISVTX": 0o1000,
  ]
}
