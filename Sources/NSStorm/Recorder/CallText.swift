import CMount
import StormVocabulary

/// Writes a call as strace would, with numbers instead of flag names.
struct CallText {
  let call: WatchedCall
  let task: Int32
  /// The arguments that are known before the call.
  private(set) var arguments: [String] = []
  private let registers: nss_registers

  /// Reads the arguments; strings are read now, because the program may overwrite them later.
  init(_ call: WatchedCall, task: Int32, registers: nss_registers) {
    self.call = call
    self.task = task
    self.registers = registers
    for (index, kind) in call.arguments.enumerated() {
      let name = index < call.names.count ? call.names[index] + "=" : ""
      arguments.append(name + text(kind, value(index)))
    }
  }

  /// `name(arguments`, without what only the answer tells.
  var beginning: String { "\(call.name)(" + arguments.joined(separator: ", ") }

  /// `name(arguments) = answer`.
  func line(answer: Int64) -> String {
    var arguments = arguments
    for (index, kind) in call.arguments.enumerated() where answer >= 0 {
      switch kind {
      case .output: arguments[index] = Self.quoted(bytes(at: value(index), count: Int(answer)))
      case .status:
        if let mode = word(at: value(index) + 24) {
          arguments[index] = "{st_mode=0\(String(mode, radix: 8))}"
        }
      case .extendedStatus:
        if let mode = word(at: value(index) + 28) {
          arguments[index] = "{stx_mode=0\(String(mode & 0xFFFF, radix: 8))}"
        }
      default: break
      }
    }
    return "\(call.name)(\(arguments.joined(separator: ", "))) = \(Self.answer(answer))"
  }

  /// Whether the call could change a mount table.
  var mayChangeTables: Bool {
    switch call.name {
    case "mount", "umount2", "pivot_root", "move_mount", "mount_setattr", "unshare", "setns",
      "chroot", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2":
      true
    default: false
    }
  }

  /// Whether the program would write to settings of the whole machine.
  var writesMachineSettings: Bool {
    let flagsIndex: Int
    switch call.name {
    case "open": flagsIndex = 1
    case "openat": flagsIndex = 2
    default: return false
    }
    guard value(flagsIndex) & 3 != 0, value(flagsIndex) & 0o10000000 == 0,
      let path = string(at: value(flagsIndex - 1))
    else { return false }
    if path.hasSuffix("/sysrq-trigger") { return true }
    guard let range = path.firstRange(of: "/proc/sys/") else { return false }
    let setting = path[range.upperBound...]
    // These belong to the sandbox's own network, IPC and host name.
    return ![
      "net/", "kernel/hostname", "kernel/domainname", "kernel/shm", "kernel/msg", "kernel/sem",
      "fs/mqueue/",
    ]
    .contains { setting.hasPrefix($0) }
  }

  static func answer(_ value: Int64) -> String {
    guard value < 0, value > -4096 else { return "\(value)" }
    let errno = Errno(rawValue: Int32(-value))
    return "-1 \(errno.name) (\(-value))"
  }

  private func value(_ index: Int) -> UInt64 {
    withUnsafeBytes(of: registers.arguments) { $0.load(fromByteOffset: index * 8, as: UInt64.self) }
  }

  private func text(_ kind: WatchedCall.Argument, _ value: UInt64) -> String {
    switch kind {
    case .text:
      if value == 0 { return "NULL" }
      return string(at: value).map { Self.quoted(Array($0.utf8)) } ?? "0x"
        + String(value, radix: 16)
    case .descriptor: return "\(Int32(truncatingIfNeeded: value))"
    case .number: return "0x" + String(value, radix: 16)
    case .ignored: return "0"
    case .output, .status, .extendedStatus: return "0x" + String(value, radix: 16)
    case .cloneArguments: return "{flags=\(hexadecimal(at: value))}, 88"
    case .openHow: return "{flags=\(hexadecimal(at: value))}"
    case .mountAttributes:
      return
        "{attr_set=\(hexadecimal(at: value)), attr_clr=\(hexadecimal(at: value + 8)), "
        + "propagation=\(hexadecimal(at: value + 16)), userns_fd=0}"
    }
  }

  private func hexadecimal(at address: UInt64) -> String {
    let bytes = bytes(at: address, count: 8)
    guard bytes.count == 8 else { return "0x0" }
    return "0x" + String(bytes.withUnsafeBytes { $0.load(as: UInt64.self) }, radix: 16)
  }

  private func word(at address: UInt64) -> UInt32? {
    let bytes = bytes(at: address, count: 4)
    return bytes.count == 4 ? bytes.withUnsafeBytes { $0.load(as: UInt32.self) } : nil
  }

  private func bytes(at address: UInt64, count: Int) -> [UInt8] {
    guard count > 0, count <= 65_536 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, Int(nss_trace_read(task, address, buffer.baseAddress, UInt64(count))))
    }
  }

  /// A string up to its zero, read page by page: what lies behind it may not be there.
  private func string(at address: UInt64) -> String? {
    var text: [UInt8] = []
    var here = address
    while text.count < 4096 {
      let part = bytes(at: here, count: Int(4096 - here % 4096))
      guard !part.isEmpty else { return nil }
      if let end = part.firstIndex(of: 0) {
        return String(decoding: text + part[..<end], as: UTF8.self)
      }
      text += part
      here += UInt64(part.count)
    }
    return nil
  }

  static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16)
        text += "\\x" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return text + "\""
  }
}
