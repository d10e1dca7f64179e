import CMount
import StormVocabulary

/// What it costs to read one mount table in each of the ways there are; medians, nanoseconds for each mount in it.
public struct ObserverMeasurement: Hashable, Sendable {
  public var mounts: Int
  /// mountinfo, read and taken apart by libmount.
  public var libmountNanosecondsPerMount: Double
  /// mountinfo, read by an observer process and taken apart by nsstorm's own parser.
  public var mountinfoNanosecondsPerMount: Double
  /// listmount and a statmount for each mount, by an observer process; nil where the kernel's statmount does not tell enough.
  public var statmountNanosecondsPerMount: Double?

  /// Measures a namespace with so many mounts, the ways in turns, so that what disturbs one disturbs the others.
  public static func measure(mounts: Int, rounds: Int = 9) throws(SandboxError) -> Self {
    let sandbox = try Sandbox.launch(SandboxLimits(workers: 2, callTime: .seconds(60)))
    try sandbox.makeMounts(mounts - 1)
    let file = "/proc/self/fd/\(sandbox.handle.procfs)/\(try sandbox.processID(of: 0))/mountinfo"
    let hasStatmount = Sandbox.statmountIsComplete
    var times: [[Double]] = [[], [], []]
    for _ in 0..<max(1, rounds) {
      times[0].append(
        try time(mounts) { () throws(SandboxError) in try MountTable(libmountFile: file) })
      for (index, observer) in [TableObserver.mountinfo, .statmount].enumerated()
      where observer == .mountinfo || hasStatmount {
        times[index + 1].append(
          try time(mounts) { () throws(SandboxError) in
            guard case .seen(let tables) = try sandbox.tables(of: [0], through: observer) else {
              throw .setupFailed(attempt: "read a mount table in time", errno: .timedOut)
            }
            return tables[0]
          })
      }
    }
    try sandbox.teardown()
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    return Self(
      mounts: mounts, libmountNanosecondsPerMount: median(times[0]),
      mountinfoNanosecondsPerMount: median(times[1]),
      statmountNanosecondsPerMount: hasStatmount ? median(times[2]) : nil)
  }

  private static func time(
    _ mounts: Int, _ read: () throws(SandboxError) -> MountTable
  ) throws(SandboxError) -> Double {
    let start = nss_now()
    let table = try read()
    let end = nss_now()
    guard table.entries.count == mounts else {
      throw .setupFailed(attempt: "read a table of \(mounts) mounts", errno: .invalidArgument)
    }
    return Double(end - start) / Double(mounts)
  }
}

extension Sandbox {
  /// So many binds of one directory, each on a directory of its own, beside the root of namespace 0.
  fileprivate func makeMounts(_ count: Int) throws(SandboxError) {
    var calls: [Operation] = [.mkdir("/source")]
    for number in 0..<count {
      let place = PathArgument.path("/m\(number)")
      calls += [.mkdir(place), .mount(MountCall(source: "/source", target: place, flags: .bind))]
    }
    for call in calls {
      guard case .answered(let record) = try perform(call, by: 0), record.errno == .none else {
        throw .setupFailed(attempt: "make the mounts to be measured", errno: .invalidArgument)
      }
    }
  }
}
