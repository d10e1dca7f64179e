/// Settings of the whole machine that decide answers.
public enum MachineSettings {
  /// `fs.mount-max`: mounts in one namespace. It belongs to no namespace, so what a run changes everybody sees.
  public static let mountLimitPath = "/proc/sys/fs/mount-max"

  /// Nil where it cannot be read.
  public static var mountLimit: Int? { ProcessFile.number(mountLimitPath) }
}
