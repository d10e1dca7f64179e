import CMount

/// The mount namespaces of the machine, by the ids that the kernel never gives twice (6.12 and later).
public enum MountNamespaces {
  /// All that this process may see, ascending, those without a process among them; nil where the kernel cannot list
  /// them. At most 65,536.
  public static func all() -> [UInt64]? {
    var ids = [UInt64](repeating: 0, count: 65_536)
    let count = nss_list_namespaces(&ids, UInt64(ids.count))
    guard count >= 0 else { return nil }
    return Array(ids[..<Int(count)])
  }

  /// The namespace of a process, or nil where the process or the interface does not exist.
  public static func id(ofProcess pid: Int32) -> UInt64? {
    var id: UInt64 = 0
    return nss_namespace_id_of_process(pid, &id) == 0 ? id : nil
  }
}
