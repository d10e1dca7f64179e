import Glibc
public import StormVocabulary

/// Writes files whole: whoever looks, or whatever ends the process, finds the old content or the new one, never a part.
///
/// Every file that nsstorm writes in one piece goes through here. Files that grow line by line (traces, logs of guests)
/// do not: each of their lines is complete by itself.
public enum WholeFile {
  /// Replaces what stands at the path, or makes it.
  ///
  /// The bytes go into a file without a name in the same folder, which is synced and only then gets the name; the folder
  /// is synced last, so that the new name outlives a crash of the machine. A link is followed and stays a link. What is
  /// not a regular file (`/dev/stdout`, a pipe) is written to in place: it must not be replaced.
  ///
  /// - Throws: ``WholeFileError`` with the step that failed; then nothing has changed at the path, unless it names a
  ///   device or pipe.
  public static func write(
    _ bytes: some Sequence<UInt8>, to path: String
  ) throws(WholeFileError) {
    let bytes = Array(bytes)
    var status = stat()
    var permissions: mode_t?
    var place = path
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        return try writeInPlace(bytes, path)
      }
      permissions = status.st_mode & 0o7777
      place = resolved(path) ?? path
    }
    try replace(place, with: bytes, permissions: permissions)
  }

  /// Replaces what stands at the path with the text, in UTF-8.
  public static func write(_ text: String, to path: String) throws(WholeFileError) {
    try write(text.utf8, to: path)
  }

  private static func writeInPlace(_ bytes: [UInt8], _ path: String) throws(WholeFileError) {
    let file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
    guard file >= 0 else { throw failure("open", path) }
    defer { close(file) }
    try write(bytes, to: file, path)
  }

  private static func replace(
    _ path: String, with bytes: [UInt8], permissions: mode_t?
  ) throws(WholeFileError) {
    let folderPath = folder(of: path)
    let folder = open(folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failure("open the folder of", path) }
    defer { close(folder) }
    let staged = "\(name(of: path)).\(getpid()).\(nonce()).part"
    // Without a name until it is complete: a process that is killed leaves nothing behind.
    var isNamed = false
    var file = openat(folder, ".", unnamedFile | O_WRONLY | O_CLOEXEC, 0o666)
    if file < 0 {
      // Not every file system has files without a name.
      file = openat(folder, staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      isNamed = true
    }
    guard file >= 0 else { throw failure("create", path) }
    defer { close(file) }
    do throws(WholeFileError) {
      try write(bytes, to: file, path)
      if let permissions, fchmod(file, permissions) != 0 { throw failure("set the mode of", path) }
      guard fsync(file) == 0 else { throw failure("sync", path) }
      if !isNamed {
        let link = linkat(AT_FDCWD, "/proc/self/fd/\(file)", folder, staged, AT_SYMLINK_FOLLOW)
        guard link == 0 else { throw failure("name", path) }
        isNamed = true
      }
      guard renameat(folder, staged, folder, name(of: path)) == 0 else {
        throw failure("rename", path)
      }
    } catch {
      if isNamed { unlinkat(folder, staged, 0) }
      throw error
    }
    guard fsync(folder) == 0 else { throw failure("sync the folder of", path) }
  }

  private static func write(
    _ bytes: [UInt8], to file: Int32, _ path: String
  ) throws(WholeFileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        Glibc.write(file, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw failure("write", path)
      }
    }
  }

  private static func failure(_ step: String, _ path: String) -> WholeFileError {
    WholeFileError(step: step, path: path, errno: Errno(rawValue: errno))
  }

  private static func resolved(_ path: String) -> String? {
    guard let whole = realpath(path, nil) else { return nil }
    defer { free(whole) }
    return String(cString: whole)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }

  private static func name(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.index(after: $0)...]) }
      ?? path
  }

  /// Tells files apart that one process writes beside each other.
  private static func nonce() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
  }

  /// `O_TMPFILE`, which Swift's view of the C library lacks.
  private static var unnamedFile: Int32 { 0o20_000_000 | O_DIRECTORY }
}

/// Why a file could not be written.
public struct WholeFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was attempted.
  public var step: String
  public var path: String
  public var errno: StormVocabulary.Errno

  public init(step: String, path: String, errno: StormVocabulary.Errno) {
    self.step = step
    self.path = path
    self.errno = errno
  }

  public var description: String { "could not \(step) \(path): \(errno)" }
}
