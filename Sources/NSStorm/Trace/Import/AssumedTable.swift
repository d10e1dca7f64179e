public import StormVocabulary

/// What a trace is taken to begin with when nobody says: the mounts that nearly every machine has.
public enum AssumedTable {
  /// How reports name it.
  public static let origin =
    "assumed: /, /proc, /sys, /dev, shared, as systemd leaves them (--table FILE gives the real one: "
    + "`cat /proc/self/mountinfo > FILE` before tracing)"

  public static let table: MountTable = {
    func entry(
      _ id: UInt64, _ parent: UInt64, _ minor: UInt32, _ place: String, _ type: String
    ) -> MountTable.Entry {
      MountTable.Entry(
        id: id, parent: parent, device: DeviceNumber(major: 0, minor: minor), root: "/",
        mountpoint: place, attributes: .relativeAccessTime, sharedGroup: UInt32(id),
        fileSystemType: type, source: type, superblockIsReadOnly: false)
    }
    return MountTable(entries: [
      entry(2, 1, 1, "/", "rootfs"), entry(3, 2, 2, "/proc", "proc"),
      entry(4, 2, 3, "/sys", "sysfs"), entry(5, 2, 4, "/dev", "devtmpfs"),
    ])
  }()
}
