import Glibc

/// One of QEMU's lines: a pair of sockets, of which the supervisor keeps one.
struct HostSocket: ~Copyable {
  let here: Int32
  let there: Int32
  private var isThereOpen = true
  private(set) var isAtEnd = false

  init() throws(FleetError) {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
      throw .system(attempt: "make a pair of sockets", reason: String(cString: strerror(errno)))
    }
    here = ends[0]
    there = ends[1]
  }

  /// After the start of QEMU, so that its end is seen.
  mutating func closeThere() {
    if isThereOpen { close(there) }
    isThereOpen = false
  }

  /// What is there, without waiting.
  mutating func take() -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(here, &chunk, chunk.count, Int32(truncatingIfNeeded: MSG_DONTWAIT))
    if count > 0 { return Array(chunk[..<count]) }
    if count == 0 || (errno != EINTR && errno != EAGAIN) { isAtEnd = true }
    return []
  }

  deinit {
    close(here)
    if isThereOpen { close(there) }
  }
}
