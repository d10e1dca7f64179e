public import StormVocabulary

/// A known bug of the calls that show mounts (statmount, listmount, nsfs). No rule of the engine reproduces them, so they
/// explain nothing by themselves: they are named where the observers contradict each other or do not come back.
public struct QueryIssue: Hashable, Sendable, Identifiable {
  public let id: String
  /// What is wrong, as a sentence.
  public let title: String
  /// The subject of the commit that mended it.
  public let fix: String
  /// The first release that has the call.
  public let introduced: KernelRelease
  /// The first release of the newest line without the bug.
  public let fixed: KernelRelease
  /// The first releases of stable lines without it.
  public let fixedInStable: [KernelRelease]

  public func affects(_ release: KernelRelease) -> Bool {
    guard release >= introduced, release < fixed else { return false }
    return !fixedInStable.contains {
      ($0.major, $0.minor) == (release.major, release.minor) && release >= $0
    }
  }

  public static func affecting(_ release: KernelRelease) -> [QueryIssue] {
    catalogue.filter { $0.affects(release) }
  }

  /// Entries 30, 31, 33 to 36 and 38 of the list of known kernel bugs. Entry 32 is of listns(), which nsstorm does not call, and
  /// entry 37 is a crash that the kernel log shows. Where no release of the newest line is known, it is the one after the stable fix.
  public static let catalogue: [QueryIssue] = [
    QueryIssue(
      id: "statmount-writes-past-buffer",
      title: "statmount writes one byte past a buffer that is just large enough",
      fix: "statmount: don't copy the reserved empty string past the buffer",
      introduced: KernelRelease(6, 8), fixed: KernelRelease(7, 3, 4),
      fixedInStable: [KernelRelease(6, 12, 117)]),
    QueryIssue(
      id: "listmount-cursor-wraps",
      title: "listmount begins again after the largest possible cursor, so that paging never ends",
      fix: "listmount: don't wrap around with a U64_MAX cursor",
      introduced: KernelRelease(6, 8), fixed: KernelRelease(7, 3, 4),
      fixedInStable: [KernelRelease(6, 12, 117)]),
    QueryIssue(
      id: "statmount-wrong-refusal",
      title: "statmount of a mount that the caller may not see answers ENOENT instead of EPERM",
      fix: "statmount: permission check should return EPERM",
      introduced: KernelRelease(6, 8), fixed: KernelRelease(7, 0),
      fixedInStable: [KernelRelease(6, 12, 75)]),
    QueryIssue(
      id: "query-leaks-namespace",
      title: "each query of a foreign mount namespace leaks a reference to it",
      fix: "fs/namespace: fix reference leak in grab_requested_mnt_ns",
      introduced: KernelRelease(6, 11), fixed: KernelRelease(6, 18),
      fixedInStable: [KernelRelease(6, 12, 61)]),
    QueryIssue(
      id: "query-crashes-on-bad-namespace",
      title: "a query with the id of no namespace can crash",
      fix: "fs/namespace: correctly handle errors returned by grab_requested_mnt_ns",
      introduced: KernelRelease(6, 11), fixed: KernelRelease(6, 18),
      fixedInStable: [KernelRelease(6, 12, 59)]),
    QueryIssue(
      id: "query-deadlocks",
      title: "listmount and statmount can deadlock: every later mount call hangs",
      fix: "listmount / statmount: don't call path_put() under namespace semaphore",
      introduced: KernelRelease(6, 8), fixed: KernelRelease(6, 18),
      fixedInStable: [KernelRelease(6, 12, 54)]),
    QueryIssue(
      id: "query-copies-under-lock",
      title: "a page fault on the buffer of a query blocks all mount calls of the machine",
      fix: "fs: don't copy to userspace under namespace semaphore",
      introduced: KernelRelease(6, 8), fixed: KernelRelease(6, 11),
      fixedInStable: [KernelRelease(6, 10, 10)]),
  ]
}
