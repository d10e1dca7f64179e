import CMount
import Glibc

/// A program of the host that is run to its end, with limits on its time and on what it may print.
struct HostCommand {
  var path: String
  var arguments: [String]
  var environment: [String] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
  var limitSeconds: Int
  /// Bytes of standard output; more is an error.
  var mostOutputBytes = 64 << 20

  /// Finds a program in the usual folders.
  static func path(of tool: String, package: String) throws(FleetError) -> String {
    for folder in ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
    where access("\(folder)/\(tool)", X_OK) == 0 {
      return "\(folder)/\(tool)"
    }
    throw .toolMissing(tool, package: package)
  }

  private var text: String { ([path] + arguments).joined(separator: " ") }

  /// Standard output of a program that ended with 0; everything else is an error.
  func run() throws(FleetError) -> [UInt8] {
    var output = try Pipe()
    var errors = try Pipe()
    var process = try HostProcess.start(
      path, arguments, environment: environment,
      descriptors: [(1, output.writing), (2, errors.writing)])
    output.closeWriting()
    errors.closeWriting()
    let deadline = MonotonicClock.now + Double(limitSeconds)
    while !output.isAtEnd || !errors.isAtEnd {
      guard MonotonicClock.now < deadline else {
        throw .toolTooSlow(command: text, limitSeconds: limitSeconds)
      }
      var entries = [
        pollfd(fd: output.isAtEnd ? -1 : output.reading, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errors.isAtEnd ? -1 : errors.reading, events: Int16(POLLIN), revents: 0),
      ]
      poll(&entries, nfds_t(entries.count), 200)
      if entries[0].revents != 0 { output.take() }
      if entries[1].revents != 0 { errors.take() }
      guard output.bytes.count <= mostOutputBytes, errors.bytes.count <= mostOutputBytes else {
        throw .toolFailed(
          command: text, status: "too much output", output: "more than \(mostOutputBytes) bytes")
      }
    }
    while true {
      if let end = process.poll() {
        guard end == .exit(0) else {
          let said = errors.bytes.isEmpty ? output.bytes : errors.bytes
          throw .toolFailed(
            command: text, status: end.description,
            output: String(decoding: said.suffix(2000), as: UTF8.self))
        }
        return output.bytes
      }
      guard MonotonicClock.now < deadline else {
        throw .toolTooSlow(command: text, limitSeconds: limitSeconds)
      }
      usleep(2000)
    }
  }
}

/// Seconds that pass whatever is done to the machine's clock.
enum MonotonicClock {
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// The two ends of a pipe, closed with the value.
struct Pipe: ~Copyable {
  let reading: Int32
  let writing: Int32
  private var isWritingOpen = true
  private(set) var isAtEnd = false
  private(set) var bytes: [UInt8] = []

  init() throws(FleetError) {
    var ends: [Int32] = [0, 0]
    let result = nss_pipe(&ends)
    guard result == 0 else {
      throw .system(attempt: "make a pipe", reason: String(cString: strerror(-result)))
    }
    reading = ends[0]
    writing = ends[1]
  }

  mutating func closeWriting() {
    if isWritingOpen { close(writing) }
    isWritingOpen = false
  }

  /// Reads once what is there; call it when `poll` says that something is.
  mutating func take() {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = read(reading, &chunk, chunk.count)
    if count > 0 { bytes += chunk[..<count] }
    if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { isAtEnd = true }
  }

  /// Takes away what was read so far.
  mutating func drain() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  deinit {
    close(reading)
    if isWritingOpen { close(writing) }
  }
}
