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
    makeRoom()
  }

  // QEMU writes the console in pieces of a few bytes, each of which the socket counts as a whole buffer, and drops what has no
  // room: without more of it a supervisor that waits for a processor loses parts of lines. Beyond the system's limit is for root.
  private func makeRoom() {
    var size = Self.roomBytes
    let length = socklen_t(MemoryLayout.size(ofValue: size))
    if setsockopt(there, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
      setsockopt(there, SOL_SOCKET, SO_SNDBUF, &size, length)
    }
  }

  private static let roomBytes: Int32 = 8 << 20

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
