import Glibc

/// Reads a file line by line through one buffer that holds no more than the longest line and a block.
struct LineReader: ~Copyable {
  private let descriptor: Int32
  private let file: String
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity = Self.blockBytes
  /// The bytes of the buffer that were read and not yet given out.
  private var start = 0
  private var end = 0
  private var hasReachedEnd = false
  /// The number of the line that was given out last, counted from 1.
  private(set) var line = 0
  /// Whether the line that was given out last ended with a newline.
  private(set) var isTerminated = true

  private static let blockBytes = 1 << 18
  /// A line with the tables of a thousand namespaces of a thousand mounts has 250 MB.
  private static let longestLineBytes = 1 << 30

  init(path: String) throws(TraceError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw TraceError(
        file: path, line: 0, kind: .inaccessible, message: "cannot be opened: \(reason)")
    }
    self.descriptor = descriptor
    file = path
    buffer = .allocate(capacity: Self.blockBytes)
  }

  deinit {
    close(descriptor)
    buffer.deallocate()
  }

  /// The bytes of the next line without its newline, valid until the next call; nil at the end of the file.
  mutating func next() throws(TraceError) -> UnsafeBufferPointer<UInt8>? {
    var searched = start
    while true {
      if let newline = memchr(buffer + searched, 0x0A, end - searched) {
        let position = UnsafeRawPointer(newline) - UnsafeRawPointer(buffer)
        return give(until: position, terminated: true)
      }
      searched = end
      if hasReachedEnd {
        guard start < end else { return nil }
        return give(until: end, terminated: false)
      }
      let moved = start
      try fill()
      searched -= moved - start
    }
  }

  private mutating func give(
    until position: Int, terminated: Bool
  ) -> UnsafeBufferPointer<UInt8> {
    let bytes = UnsafeBufferPointer(start: buffer + start, count: position - start)
    start = terminated ? position + 1 : position
    line += 1
    isTerminated = terminated
    return bytes
  }

  private mutating func fill() throws(TraceError) {
    if start > 0 {
      memmove(buffer, buffer + start, end - start)
      end -= start
      start = 0
    }
    if end == capacity {
      guard capacity < Self.longestLineBytes else {
        throw TraceError(
          file: file, line: line + 1, kind: .damaged,
          message: "the line is longer than \(Self.longestLineBytes) bytes, the most that is read")
      }
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
      memcpy(larger, buffer, end)
      buffer.deallocate()
      buffer = larger
      capacity *= 2
    }
    var count = 0
    repeat {
      count = read(descriptor, buffer + end, capacity - end)
    } while count < 0 && errno == EINTR
    guard count >= 0 else {
      let reason = String(cString: strerror(errno))
      throw TraceError(
        file: file, line: line + 1, kind: .inaccessible, message: "cannot be read: \(reason)")
    }
    end += count
    hasReachedEnd = count == 0
  }
}
