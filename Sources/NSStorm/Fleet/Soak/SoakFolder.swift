import Foundation
import Glibc

/// The files of a soak: `state.json`, `summary.txt`, `rounds.log` with its older parts, `current/`, `failures/`.
///
/// It never takes more than it may, and leaves room to others: results of failures go, the oldest traces first, then no
/// more are kept.
public struct SoakFolder: Sendable {
  public let path: String
  /// Bytes that all files together may take.
  public var mostBytes: Int
  /// Bytes of the file system that are left to others.
  public var keptFreeBytes: Int

  private static let logBytes = 1 << 20
  private static let olderLogs = 3

  public init(path: String, mostBytes: Int, keptFreeBytes: Int) throws(FleetError) {
    self.path = path
    self.mostBytes = mostBytes
    self.keptFreeBytes = keptFreeBytes
    do {
      try FileManager.default.createDirectory(
        atPath: "\(path)/failures", withIntermediateDirectories: true)
    } catch {
      throw .system(attempt: "make \(path)", reason: error.localizedDescription)
    }
  }

  /// Where the round under way keeps its results; empty.
  public func emptyCurrent() throws(FleetError) -> String {
    let folder = "\(path)/current"
    try? FileManager.default.removeItem(atPath: folder)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .system(attempt: "make \(folder)", reason: error.localizedDescription)
    }
    return folder
  }

  public func state() throws(FleetError) -> SoakState? {
    let place = "\(path)/state.json"
    guard let data = FileManager.default.contents(atPath: place) else { return nil }
    do {
      return try JSONDecoder().decode(SoakState.self, from: data)
    } catch {
      throw .damaged(file: place, reason: "\(error)")
    }
  }

  public func keep(_ state: SoakState, summary: String) throws(FleetError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data: Data
    do {
      data = try encoder.encode(state)
    } catch {
      throw .system(attempt: "write the state of the soak", reason: "\(error)")
    }
    try writeWhole(data, to: "\(path)/state.json")
    try writeWhole(summary.utf8, to: "\(path)/summary.txt")
  }

  /// Adds a line to the log, which is rotated.
  public func log(_ line: String) {
    let place = "\(path)/rounds.log"
    let files = FileManager.default
    let size = (try? files.attributesOfItem(atPath: place)[.size] as? Int) ?? 0
    if size > Self.logBytes {
      for number in (1..<Self.olderLogs).reversed() {
        try? files.removeItem(atPath: "\(place).\(number + 1)")
        try? files.moveItem(atPath: "\(place).\(number)", toPath: "\(place).\(number + 1)")
      }
      try? files.removeItem(atPath: "\(place).1")
      try? files.moveItem(atPath: place, toPath: "\(place).1")
    }
    let file = open(place, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array("\(line)\n".utf8)
    // A line that finds no room is missing from the log; the state says the same.
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }

  /// Keeps the results of a failed round.
  ///
  /// - Returns: the folder, or nil where there is no room for it.
  @discardableResult
  public func keepFailure(_ round: SoakRound) -> String? {
    let place = "\(path)/failures/\(round.profile)-\(round.seedText)"
    try? FileManager.default.removeItem(atPath: place)
    do {
      try FileManager.default.moveItem(atPath: "\(path)/current", toPath: place)
      return place
    } catch {
      return nil
    }
  }

  /// Makes room, and says whether there is any for a trace.
  public func makeRoom() -> Bool {
    if hasRoom { return true }
    for trace in traces() {
      try? FileManager.default.removeItem(atPath: trace)
      if hasRoom { return true }
    }
    return hasRoom
  }

  private var hasRoom: Bool { usedBytes < mostBytes && freeBytes > keptFreeBytes }

  private var freeBytes: Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return 0 }
    return Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        .partialValue)
  }

  private var usedBytes: Int { files().reduce(0) { $0 + $1.bytes } }

  /// Traces of failures, the oldest first.
  private func traces() -> [String] {
    files().filter { $0.path.hasPrefix("\(path)/failures/") && $0.path.hasSuffix("/trace.jsonl") }
      .sorted { $0.changed < $1.changed }.map(\.path)
  }

  private func files() -> [(path: String, bytes: Int, changed: Date)] {
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return names.compactMap { name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
      guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular else {
        return nil
      }
      return (
        "\(path)/\(name)", attributes[.size] as? Int ?? 0,
        attributes[.modificationDate] as? Date ?? .distantPast
      )
    }
  }
}
