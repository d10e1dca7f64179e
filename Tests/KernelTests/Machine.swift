import Glibc
import Testing

/// What the tests compare before and after: everything that a run could leave on the machine.
struct MachineState {
  /// `/proc/self/mountinfo`.
  var mounts: String
  /// Backing files of all loop devices.
  var loopDevices: [String]

  /// What the other has and this has not, and the reverse; empty where nothing was left.
  func difference(to other: MachineState) -> [String] {
    let mine = Set(lines)
    let others = Set(other.lines)
    return others.subtracting(mine).sorted().map { "+ \($0)" }
      + mine.subtracting(others).sorted().map { "- \($0)" }
  }

  private var lines: [String] {
    mounts.split(separator: "\n").map(String.init) + loopDevices
  }

  static func current() throws -> MachineState {
    let loops = entries(of: "/sys/block").filter { $0.hasPrefix("loop") }.map {
      "\($0): \(contents(of: "/sys/block/\($0)/loop/backing_file") ?? "free")"
    }
    return MachineState(
      mounts: try #require(contents(of: "/proc/self/mountinfo")), loopDevices: loops)
  }
}

/// A process as `/proc/PID/stat` shows it.
struct ProcessEntry: Hashable {
  var pid: Int32
  var name: String
  var state: String
  var parent: Int32
  var session: Int32

  /// All processes of the machine.
  static func all() -> [ProcessEntry] {
    entries(of: "/proc").compactMap { Int32($0) }.compactMap { ProcessEntry(pid: $0) }
  }

  init?(pid: Int32) {
    guard let text = contents(of: "/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
      let close = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 4, let parent = Int32(fields[1]), let session = Int32(fields[3]) else {
      return nil
    }
    self.pid = pid
    name = String(text[text.index(after: open)..<close])
    state = String(fields[0])
    self.parent = parent
    self.session = session
  }
}

/// The files on the machine's own file systems that a process has open, beyond its standard ones: a tool that holds none
/// at any moment has no temporary file to leave.
func heldFiles(of pid: Int32) -> [String] {
  let places = Set(["/", "/tmp", "/var/tmp", "/dev/shm", "/run"].compactMap(device))
  return entries(of: "/proc/\(pid)/fd").compactMap { Int($0) }.filter { $0 > 2 }.compactMap {
    let path = "/proc/\(pid)/fd/\($0)"
    guard let device = device(of: path), places.contains(device) else { return nil }
    return linkTarget(path)
  }
}

private func device(of path: String) -> dev_t? {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_dev : nil
}

func linkTarget(_ path: String) -> String? {
  var buffer = [CChar](repeating: 0, count: 4096)
  let length = readlink(path, &buffer, buffer.count)
  guard length > 0 else { return nil }
  return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func contents(of path: String) -> String? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(file, &chunk, chunk.count)
    if count < 0 { return nil }
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += chunk[..<count]
  }
}

func entries(of directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    names.append(
      withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      })
  }
  return names.sorted()
}

/// Asks again and again, for at most so many seconds.
func eventually(within seconds: Double, _ condition: () -> Bool) -> Bool {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  let end = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 + seconds
  while true {
    if condition() { return true }
    clock_gettime(CLOCK_MONOTONIC, &now)
    if Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 > end { return false }
    usleep(10_000)
  }
}
