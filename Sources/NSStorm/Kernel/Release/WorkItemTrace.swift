import CMount
import Glibc
public import StormVocabulary

/// A recording of the work items that the kernel's workers begin (tracefs, `workqueue_execute_start`), in a trace instance
/// of its own. A guard process removes the instance when the recording ends, also when this process is killed.
public struct WorkItemTrace: ~Copyable {
  /// A work item that a worker began.
  public struct Item: Hashable, Sendable {
    /// CLOCK_MONOTONIC, to a microsecond.
    public var nanoseconds: UInt64
    /// The function that it runs, such as `delayed_mntput`.
    public var function: String

    public init(nanoseconds: UInt64, function: String) {
      self.nanoseconds = nanoseconds
      self.function = function
    }
  }

  /// Why there is no recording.
  public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public var errno: Errno

    public var description: String { "work items cannot be traced here (tracefs): \(errno)" }
  }

  private var handle: nss_trace

  /// Begins to record.
  public init() throws(Refusal) {
    handle = nss_trace()
    let result = nss_trace_begin("workqueue/workqueue_execute_start", &handle)
    guard result == 0 else { throw Refusal(errno: Errno(rawValue: -result)) }
  }

  /// The instance's name below `/sys/kernel/tracing/instances`.
  public static var instanceName: String { "nsstorm-\(getpid())" }

  /// Whether an instance of this name is there; nil where that cannot be seen.
  public static func exists(_ name: String) -> Bool? {
    let result = nss_trace_exists(name)
    return result < 0 ? nil : result == 1
  }

  /// What was recorded so far, in the order of time on each CPU.
  public func items() throws(Refusal) -> [Item] {
    let file = withUnsafePointer(to: handle) { nss_trace_open($0) }
    guard file >= 0 else { throw Refusal(errno: Errno(rawValue: -file)) }
    defer { close(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(file, &buffer, buffer.count)
      guard count > 0 else { break }
      text += buffer[..<count]
    }
    return Self.items(in: String(decoding: text, as: UTF8.self))
  }

  /// Ends the recording and removes the instance; what went wrong, if something did.
  public consuming func end() -> Errno? {
    let result = nss_trace_end(&handle)
    return result == 0 ? nil : Errno(rawValue: -result)
  }

  /// Reads lines such as `kworker/0:1-23 [000] ..... 13829.088032: workqueue_execute_start: work struct 0: function f`.
  static func items(in text: String) -> [Item] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let event = words.firstIndex(of: "workqueue_execute_start:"), event > 0,
        let name = words.lastIndex(of: "function"), name + 1 < words.endIndex,
        words[event - 1].last == ":"
      else { return nil }
      let time = words[event - 1].dropLast().split(separator: ".")
      guard time.count == 2, time[1].count == 6, let seconds = UInt64(time[0]),
        let microseconds = UInt64(time[1])
      else { return nil }
      return Item(
        nanoseconds: seconds * 1_000_000_000 + microseconds * 1_000,
        function: String(words[name + 1]))
    }
  }
}
