import Foundation

/// Kernel modules as files: which others one needs, and an order in which all can be loaded.
public enum KernelModule {
  /// What a guest needs to talk to the host.
  static let ofTheLine = ["virtio_pci", "virtio_console"]

  /// Those of a kernel's module files that ``ofTheLine`` need, in the order in which they are to be loaded.
  static func filesOfTheLine(_ files: [String]) throws(FleetError) -> [String] {
    let paths = Dictionary(files.map { (name(ofFile: $0), $0) }) { first, _ in first }
    return try loadOrder(ofTheLine) { (name) throws(FleetError) in
      guard let path = paths[name] else { return nil }
      return dependencies(of: try unpacked(path)) ?? []
    }.compactMap { paths[$0] }
  }

  /// The name a module goes by in dependencies: the file's, without endings and the number that gives it a place in the
  /// cache (`03-virtio_pci.ko`), with underscores.
  public static func name(ofFile path: String) -> String {
    let file = (path as NSString).lastPathComponent.trimmingPrefix(/[0-9]{2}-/)
    let end = file.range(of: ".ko")?.lowerBound ?? file.endIndex
    return String(file[..<end].map { $0 == "-" ? "_" : $0 })
  }

  /// The modules named by `depends=` in an uncompressed module's `.modinfo`; nil where there is no such entry.
  public static func dependencies(of module: [UInt8]) -> [String]? {
    let key = Array("\0depends=".utf8)
    guard let start = firstIndex(of: key, in: module) else { return nil }
    let value = module[(start + key.count)...].prefix { $0 != 0 }
    return String(decoding: value, as: UTF8.self).split(separator: ",").map {
      String($0.map { $0 == "-" ? "_" : $0 })
    }
  }

  /// The wanted modules and all they need, each after what it needs. Those that `dependencies` does not know are
  /// built in, or missing, and are left out.
  public static func loadOrder(
    _ wanted: [String], dependencies: (String) throws(FleetError) -> [String]?
  ) throws(FleetError) -> [String] {
    var order: [String] = []
    var seen: Set<String> = []
    func visit(_ name: String) throws(FleetError) {
      guard seen.insert(name).inserted, let needed = try dependencies(name) else { return }
      for other in needed { try visit(other) }
      order.append(name)
    }
    for name in wanted { try visit(name) }
    return order
  }

  /// The modules that guests use, of those below a folder, in the order in which they are to be loaded.
  ///
  /// - Throws: ``FleetError/damaged(file:reason:)`` where there is none at all: the folder is not what it was meant to be.
  public static func loadOrder(below folder: String) throws(FleetError) -> [String] {
    var paths: [String: String] = [:]
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    for path in all.sorted() where path.hasSuffix(".ko") || path.contains(".ko.") {
      paths[name(ofFile: path)] = "\(folder)/\(path)"
    }
    guard !paths.isEmpty else {
      throw .damaged(file: folder, reason: "there is no module below it")
    }
    return try loadOrder(KernelCache.wantedModules) { (name) throws(FleetError) in
      guard let path = paths[name] else { return nil }
      return dependencies(of: try unpacked(path)) ?? []
    }.compactMap { paths[$0] }
  }

  private static let mostModuleBytes = 64 << 20

  /// A module's bytes, whatever it is packed with.
  static func unpacked(_ path: String) throws(FleetError) -> [UInt8] {
    let tool: (name: String, package: String)? =
      if path.hasSuffix(".xz") {
        ("xz", "xz-utils")
      } else if path.hasSuffix(".zst") {
        ("zstd", "zstd")
      } else if path.hasSuffix(".gz") {
        ("gzip", "gzip")
      } else {
        nil
      }
    guard let tool else {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw .damaged(file: path, reason: "it cannot be read")
      }
      return Array(data)
    }
    return try HostCommand(
      path: try HostCommand.path(of: tool.name, package: tool.package),
      arguments: ["-dc", path], limitSeconds: 60, mostOutputBytes: mostModuleBytes
    ).run()
  }

  private static func firstIndex(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= pattern.count else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in
      for start in 0...(buffer.count - pattern.count)
      where buffer[start] == pattern[0] && buffer[start + 1] == pattern[1] {
        if pattern.indices.allSatisfy({ buffer[start + $0] == pattern[$0] }) { return start }
      }
      return nil
    }
  }
}
