import Foundation

/// The JSON that commands print on standard output: one object, readable, with keys in a fixed order.
enum JSONDocument {
  static func text(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }
}
