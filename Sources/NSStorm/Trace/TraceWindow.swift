public import StormVerdict
public import StormVocabulary

/// What raced between two quiescent points, as version 2 of the format has it.
public struct TraceWindow: Hashable, Sendable {
  /// Ascending in the file.
  public var number: Int
  /// The phase of the profile; informative.
  public var phase: Int
  public var workers: [ConcurrentWorker]
  /// With the tables of all living namespaces at its closing point, or none where they were not read.
  public var window: ContendedWindow

  public init(number: Int, phase: Int, workers: [ConcurrentWorker], window: ContendedWindow) {
    self.number = number
    self.phase = phase
    self.workers = workers
    self.window = window
  }
}

/// Something that was released, as somebody saw it from outside.
public struct TraceRelease: Hashable, Sendable {
  /// What: `superblock`, `mount`, `namespace`.
  public var what: String
  /// Which superblock, where it is one.
  public var device: DeviceNumber?
  /// How it was let go: `umount2`, `detach`, `close`, `exit`.
  public var way: String?
  /// Who saw it: `inotify`, `block-device`, `fuse`, …
  public var seenBy: String
  /// When it was let go and when it was seen, in the calls' clock.
  public var interval: CallInterval

  public init(
    what: String, device: DeviceNumber? = nil, way: String? = nil, seenBy: String,
    interval: CallInterval
  ) {
    self.what = what
    self.device = device
    self.way = way
    self.seenBy = seenBy
    self.interval = interval
  }
}
