import Foundation

/// The addresses of a kernel's functions, as `/proc/kallsyms` and `System.map` list them.
public struct SymbolTable: Sendable {
  private var addresses: [UInt64] = []
  private var names: [String] = []
  private var byName: [String: UInt64] = [:]
  /// Where they were read.
  public let source: String

  /// Reads lines of `address type name`.
  ///
  /// - Returns: nil where nothing is listed, or where all addresses are 0: the kernel hides them (`kptr_restrict`).
  public init?(listing text: String, source: String) {
    self.source = source
    var entries: [(UInt64, String)] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count >= 3, let address = UInt64(words[0], radix: 16), address != 0,
        "tTwW".contains(words[1])
      else { continue }
      // Modules stand behind a tab: `name\t[module]`.
      entries.append((address, String(words[2].prefix { $0 != "\t" })))
    }
    guard !entries.isEmpty else { return nil }
    // Aliases share an address: the name that is listed first stands for it.
    let order = entries.indices.sorted { (entries[$0].0, $0) < (entries[$1].0, $1) }
    addresses = order.map { entries[$0].0 }
    names = order.map { entries[$0].1 }
    byName = Dictionary(entries.map { ($0.1, $0.0) }) { first, _ in first }
  }

  public init?(path: String) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    self.init(listing: text, source: path)
  }

  /// The table of the kernel that runs; nil where it hides its addresses.
  public static var ofThisKernel: SymbolTable? { SymbolTable(path: "/proc/kallsyms") }

  public func address(of name: String) -> UInt64? { byName[name] }

  /// `name+0x12/0x340` for an address inside a function; nil below the first and far behind the last one.
  public func symbol(at address: UInt64) -> String? {
    var low = 0
    var high = addresses.count
    while low < high {
      let middle = (low + high) / 2
      if addresses[middle] <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let start = addresses[low - 1]
    let offset = address - start
    var first = low - 1
    while first > 0, addresses[first - 1] == start { first -= 1 }
    guard offset < Self.longestFunction else { return nil }
    let hex = String(offset, radix: 16)
    guard low < addresses.count else { return "\(names[first])+0x\(hex)" }
    return "\(names[first])+0x\(hex)/0x\(String(addresses[low] - start, radix: 16))"
  }

  private static let longestFunction: UInt64 = 1 << 20
}
