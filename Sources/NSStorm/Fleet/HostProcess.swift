import CMount
import Glibc

/// A program of the host that is killed when the supervisor ends, however it ends.
///
/// The death signal fires when the *thread* that started it ends, so start it on the main thread.
struct HostProcess: ~Copyable {
  let identifier: pid_t
  private var isReaped = false

  /// How a process ended.
  enum End: Hashable, Sendable {
    case exit(Int32)
    case signal(Int32)

    init(status: Int32) {
      self = status & 0x7f == 0 ? .exit(status >> 8 & 0xff) : .signal(status & 0x7f)
    }

    var description: String {
      switch self {
      case .exit(let code): "exit status \(code)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  /// - Parameter descriptors: descriptors of this process, by their number in the new one.
  static func start(
    _ path: String, _ arguments: [String], environment: [String],
    descriptors: [(there: Int32, here: Int32)]
  ) throws(FleetError) -> HostProcess {
    let pairs = descriptors.map { nss_descriptor(here: $0.here, there: $0.there) }
    let result = withCStrings([path] + arguments) { argumentList in
      withCStrings(environment) { environmentList in
        nss_start(path, argumentList, environmentList, pairs, pairs.count)
      }
    }
    guard result > 0 else {
      throw .system(attempt: "start \(path)", reason: String(cString: strerror(-result)))
    }
    return HostProcess(identifier: result)
  }

  private init(identifier: pid_t) {
    self.identifier = identifier
  }

  /// How it ended, or nil while it runs.
  mutating func poll() -> End? {
    guard !isReaped else { return nil }
    var status: Int32 = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
    isReaped = true
    return End(status: status)
  }

  /// Sends it a SIGTERM; whether it ends is for ``poll()`` to say.
  func askToEnd() {
    if !isReaped { kill(identifier, SIGTERM) }
  }

  /// Ends it at once and waits until it is gone.
  mutating func end() {
    guard !isReaped else { return }
    kill(identifier, SIGKILL)
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    isReaped = true
  }

  deinit {
    guard !isReaped else { return }
    kill(identifier, SIGKILL)
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
  }
}

private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("the list ends with nil") }
    return body(base)
  }
}
