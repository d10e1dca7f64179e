public import StormVocabulary

/// What the engine needs for a mass of propagated mounts, for `nsstorm bench`.
public struct EngineMeasurement: Sendable, Hashable, Codable {
  public var namespaces: Int
  public var mounts: Int
  /// Mounting, per copy that propagation makes.
  public var mountNanosecondsPerCopy: Double
  /// Lazy umounts, per copy that propagation takes.
  public var umountNanosecondsPerCopy: Double
  /// All buffers of the model while everything stands, per mount.
  public var bytesPerMount: Double
  /// Rolling a journaled umount back, beside performing it: at most 1 where undo costs no more than the step.
  public var undoRatio: Double

  /// Mounts and umounts `mounts` file systems whose parent is shared among `namespaces` namespaces.
  ///
  /// - Parameter rounds: how often; the fastest round counts, so that what else the machine does falls out.
  public static func measure(namespaces: Int, mounts: Int, rounds: Int = 5) -> EngineMeasurement {
    var storm = MassStorm(namespaces: namespaces, mounts: mounts)
    var best = EngineMeasurement(
      namespaces: namespaces, mounts: mounts, mountNanosecondsPerCopy: .infinity,
      umountNanosecondsPerCopy: .infinity, bytesPerMount: 0, undoRatio: .infinity)
    let copies = Double(max(1, (namespaces - 1) * mounts))
    for _ in 0..<max(1, rounds) {
      let mounting = storm.time { $0.mountAll() }
      best.mountNanosecondsPerCopy = min(best.mountNanosecondsPerCopy, mounting / copies)
      // Before anything was journaled: the journal is not the model.
      if best.bytesPerMount == 0 {
        best.bytesPerMount = Double(storm.model.footprintBytes) / Double(storm.model.mountCount)
      }
      let checkpoint = storm.model.checkpoint()
      let journaled = storm.time { $0.umountAll() }
      let undoing = storm.time { $0.model.rollback(to: checkpoint) }
      storm.model.discardCheckpoints()
      best.undoRatio = min(best.undoRatio, undoing / journaled)
      let umounting = storm.time { $0.umountAll() }
      best.umountNanosecondsPerCopy = min(best.umountNanosecondsPerCopy, umounting / copies)
    }
    return best
  }
}

/// The calls of a mass storm, as the engine and a kernel make them alike.
public struct MassStorm: ~Copyable {
  var model: MountModel
  /// Made by process 0 before anything is measured: directories, a shared root, the namespaces.
  public let preparation: [Operation]
  public let mountCalls: [Operation]
  public let umountCalls: [Operation]

  public init(namespaces: Int, mounts: Int, rules: KernelRules = .newest) {
    var preparation: [Operation] = [.mount(MountCall(target: "/", flags: .shared))]
    preparation += (0..<mounts).map { .mkdir(.path("/d\($0)")) }
    preparation += (1..<max(namespaces, 1)).map { .unshare(namespace: $0, newUser: false) }
    self.preparation = preparation
    mountCalls = (0..<mounts).map {
      .mount(MountCall(type: "tmpfs", source: .path("t\($0)"), target: .path("/d\($0)")))
    }
    umountCalls = (0..<mounts).map { .umount2(.path("/d\($0)"), .detach) }
    model = MountModel(rules: rules)
    for operation in preparation { _ = model.perform(operation, by: 0) }
  }

  public mutating func mountAll() {
    for operation in mountCalls { _ = model.perform(operation, by: 0) }
  }

  public mutating func umountAll() {
    for operation in umountCalls { _ = model.perform(operation, by: 0) }
  }

  /// The nanoseconds that some work on the storm takes.
  public mutating func time(_ work: (inout MassStorm) -> Void) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    work(&self)
    let (seconds, attoseconds) = (clock.now - start).components
    return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
  }
}
