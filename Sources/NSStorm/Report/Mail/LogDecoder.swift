import Foundation

/// Makes lines of a kernel log readable: bare addresses become functions, functions get file and line, as far as the given
/// symbols allow. What `scripts/decode_stacktrace.sh` does, for one file and without the kernel's source.
public struct LogDecoder: Sendable {
  private let symbols: SymbolTable?
  private let vmlinux: String?
  /// The functions' addresses in `vmlinux`: those of the running kernel are shifted at each boot.
  private let linkedSymbols: SymbolTable?

  /// - Parameters:
  ///   - symbols: of the kernel that wrote the log.
  ///   - vmlinux: an image of the same build with debug information, for file and line.
  public init(symbols: SymbolTable?, vmlinux: String? = nil) {
    self.symbols = symbols
    self.vmlinux = vmlinux
    linkedSymbols = vmlinux.flatMap { path in
      Self.output("nm", ["--defined-only", path]).flatMap { SymbolTable(listing: $0, source: path) }
    }
  }

  /// What was used, and what was not to be had, as sentences.
  public var notes: [String] {
    var notes: [String] = []
    notes.append(
      symbols.map { "addresses: \($0.source)" }
        ?? "addresses: not decoded (no symbols; /proc/kallsyms hides them, or give --system-map)")
    if let vmlinux {
      notes.append(
        linkedSymbols == nil
          ? "file and line: nm could not read \(vmlinux)" : "file and line: \(vmlinux)")
    } else {
      notes.append("file and line: not decoded (give --vmlinux)")
    }
    return notes
  }

  public func decode(_ lines: [String]) -> [String] {
    let named = lines.map(naming)
    guard let vmlinux, let linkedSymbols else { return named }
    // One process for all frames: reading the debug information is what takes the time.
    var wanted: [String] = []
    for line in named {
      for frame in Self.frames(in: line) {
        if let start = linkedSymbols.address(of: frame.name) {
          wanted.append("0x" + String(start &+ frame.offset, radix: 16))
        }
      }
    }
    guard !wanted.isEmpty,
      let answer = Self.output("addr2line", ["-e", vmlinux] + RunRecord.unique(wanted))
    else { return named }
    var places: [String: String] = [:]
    for (address, place) in zip(RunRecord.unique(wanted), answer.split(separator: "\n")) {
      // The builder's own directories say nothing to a reader.
      let file = place.prefix { $0 != ":" }
      let line = place.dropFirst(file.count).prefix { $0 != " " }
      guard !file.hasPrefix("??"), !line.hasPrefix(":0"), !line.hasPrefix(":?") else { continue }
      places[address] = Self.shortened(String(file)) + line
    }
    return named.map { placing($0, places, linkedSymbols) }
  }

  /// Bare addresses become functions.
  private func naming(_ line: String) -> String {
    guard let symbols else { return line }
    var result = line
    for match in line.matches(of: /(?:\[<|0x|:)?(ffffffff[0-9a-f]{8})(?![0-9a-f])(?:>\])?/)
      .reversed()
    {
      guard let address = UInt64(match.output.1, radix: 16), let name = symbols.symbol(at: address)
      else { continue }
      result.replaceSubrange(match.range, with: match.output.0.hasPrefix(":") ? ":\(name)" : name)
    }
    return result
  }

  private func placing(
    _ line: String, _ places: [String: String], _ symbols: SymbolTable
  ) -> String {
    var result = line
    for frame in Self.frames(in: line).reversed() {
      guard let start = symbols.address(of: frame.name),
        let place = places["0x" + String(start &+ frame.offset, radix: 16)]
      else { continue }
      result.replaceSubrange(frame.range, with: "\(line[frame.range]) (\(place))")
    }
    return result
  }

  private struct Frame {
    var name: String
    var offset: UInt64
    var range: Range<String.Index>
  }

  private static func frames(in line: String) -> [Frame] {
    line.matches(of: /([A-Za-z_][A-Za-z0-9_.]*)\+0x([0-9a-f]+)(?:\/0x[0-9a-f]+)?/).compactMap {
      guard let offset = UInt64($0.output.2, radix: 16) else { return nil }
      return Frame(name: String($0.output.1), offset: offset, range: $0.range)
    }
  }

  private static func shortened(_ path: String) -> String {
    let roots = [
      "/fs/", "/kernel/", "/mm/", "/lib/", "/include/", "/arch/", "/security/", "/drivers/",
    ]
    let starts = roots.compactMap { path.range(of: $0)?.lowerBound }
    guard let start = starts.min() else { return path }
    return String(path[path.index(after: start)...])
  }

  /// What a program of binutils prints; nil where it is missing or fails.
  private static func output(_ program: String, _ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }
}
