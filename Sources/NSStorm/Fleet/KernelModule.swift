import Foundation

/// Kernel modules as files: which others one needs, and an order in which all can be loaded.
public enum KernelModule {
  /// The name a module goes by in dependencies: the file's, without endings, with underscores.
  public static func name(ofFile path: String) -> String {
    let file = (path as NSString).lastPathComponent
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
