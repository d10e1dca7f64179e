import CMount
import Glibc
public import StormPlanning
import StormVocabulary

/// Disk images made by the machine's own mkfs in an unnamed file; no file of the machine is touched.
public enum FileSystemImages {
  /// Why there is no image of a kind.
  public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
  }

  /// An empty file system of this kind; for a served one a device without contents.
  ///
  /// The same bytes each time, but for times that mkfs writes.
  public static func make(_ kind: FileSystemKind) throws(Problem) -> DiskImage {
    switch kind {
    case .ext4:
      return try run(
        "mkfs.ext4", package: "e2fsprogs", bytes: 8 << 20,
        ["-q", "-F", "-N", "64", "-U", identity, "-E", "hash_seed=\(identity),nodiscard"])
    case .xfs:
      // The smallest that current mkfs.xfs makes; what is not written takes no memory.
      return try run(
        "mkfs.xfs", package: "xfsprogs", bytes: 300 << 20, ["-q", "-f", "-m", "uuid=\(identity)"])
    case .fuseBlock: return DiskImage(bytes: 1 << 20)
    case .tmpfs, .overlay, .fuse, .boundFile:
      throw Problem(description: "\(kind.rawValue) has no disk image")
    }
  }

  private static let identity = "6e737374-6f72-6d00-8000-000000000001"
  private static let page = 4_096
  /// `SEEK_DATA`, which Swift's view of the C library lacks.
  private static let seekData: Int32 = 3
  private static let chunk = 256 * page

  private static func run(
    _ name: String, package: String, bytes: Int, _ arguments: [String]
  ) throws(Problem) -> DiskImage {
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"]
    let candidates: [String] = folders.map { $0 + "/" + name }
    guard let program = candidates.first(where: { access($0, X_OK) == 0 }) else {
      throw Problem(description: "no \(name) (Debian package \(package))")
    }
    let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    defer { for word in words { free(word) } }
    var list: [UnsafePointer<CChar>?] = words.map { $0.map { UnsafePointer($0) } }
    list.append(nil)
    let file = nss_make_image(program, &list, UInt64(bytes), 20_000)
    guard file >= 0 else {
      throw Problem(description: "\(name) failed: \(Errno(rawValue: -file))")
    }
    defer { close(file) }
    return DiskImage(bytes: bytes, extents: extents(of: file, bytes: bytes))
  }

  /// The pages that are not zero.
  private static func extents(of file: Int32, bytes: Int) -> [UInt8] {
    var result: [UInt8] = []
    let zeros = [UInt8](repeating: 0, count: page)
    var buffer = [UInt8](repeating: 0, count: chunk)
    var offset = 0
    while offset < bytes {
      let data = Int(lseek(file, off_t(offset), seekData))
      guard data >= 0 else { break }
      offset = data / page * page
      let count = pread(file, &buffer, chunk, off_t(offset))
      guard count > 0 else { break }
      buffer.withUnsafeBytes { raw in
        for start in stride(from: 0, to: count, by: page) {
          let length = min(page, count - start)
          guard let at = raw.baseAddress.map({ $0 + start }), memcmp(at, zeros, length) != 0 else {
            continue
          }
          withUnsafeBytes(of: UInt64(offset + start).littleEndian) { result += $0 }
          withUnsafeBytes(of: UInt32(length).littleEndian) { result += $0 }
          withUnsafeBytes(of: UInt32(0)) { result += $0 }
          result += UnsafeRawBufferPointer(start: at, count: length)
          result += repeatElement(0, count: (8 - length % 8) % 8)
        }
      }
      offset += count
    }
    return result
  }
}
