/// The two ways in which the kernel shows the mounts that a process sees. They share no code that formats or walks.
public enum TableObserver: String, CaseIterable, Hashable, Sendable, Codable {
  /// `/proc/PID/mountinfo`, on every kernel.
  case mountinfo
  /// `listmount` and `statmount` with 64-bit ids that are never used again (complete since 6.13).
  case statmount
}
