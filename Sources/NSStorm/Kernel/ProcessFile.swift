import Glibc

/// Small files of `/proc`, read whole with plain system calls.
enum ProcessFile {
  /// The file's text, at most `limit` bytes; nil where it cannot be opened or read.
  static func text(_ path: String, below directory: Int32 = AT_FDCWD, limit: Int = 65_536)
    -> String?
  {
    let file = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < limit {
      let count = read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { return nil }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The names in a directory but `.` and `..`, as the kernel lists them; none where it cannot be read.
  static func names(_ path: String = ".", below directory: Int32 = AT_FDCWD) -> [String] {
    let file = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    guard let stream = fdopendir(file) else {
      close(file)
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The value after `key:` in a file of such lines.
  static func field(_ key: String, of text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      let rest = line.dropFirst(key.count)
      guard rest.first == ":" else { continue }
      return trimmed(rest.dropFirst())
    }
    return nil
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    var rest = text[...]
    while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
    while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
    return String(rest)
  }

  /// The whole number that the file holds.
  static func number(_ path: String) -> Int? {
    text(path, limit: 64).flatMap { Int(trimmed($0)) }
  }
}
