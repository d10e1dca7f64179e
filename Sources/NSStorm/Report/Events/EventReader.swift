public import Foundation

/// Reads an event stream from a file. A last line that was written only in part is left out and said.
public struct EventReader: Sendable {
  public var events: [RecordedEvent] = []
  /// Whether the last line was complete.
  public var isCutOff = false

  /// - Throws: ``ReportError`` for what is no event stream, or a damaged one.
  public init(path: String) throws(ReportError) {
    let data: Data
    do {
      data =
        path == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data()
        : try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    } catch {
      throw ReportError(path: path, line: 0, message: "cannot be read: \(Self.reason(error))")
    }
    try self.init(data, path: path)
  }

  /// - Parameter path: for messages.
  public init(_ data: Data, path: String) throws(ReportError) {
    let decoder = JSONDecoder()
    var rest = data[...]
    var line = 0
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0A)
      let bytes = rest[..<(end ?? rest.endIndex)]
      rest = end.map { rest[rest.index(after: $0)...] } ?? rest[rest.endIndex...]
      line += 1
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do {
        events.append(try decoder.decode(RecordedEvent.self, from: Data(bytes)))
      } catch {
        if end == nil {
          isCutOff = true
          return
        }
        throw ReportError(path: path, line: line, message: Self.reason(error))
      }
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return error.localizedDescription }
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "" : " in `\(path.map(\.stringValue).joined(separator: "."))`"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "not an event: no `\(key.stringValue)`\(place(context.codingPath)) "
        + "(docs/events.md has the format)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "not an event: \(context.debugDescription)\(place(context.codingPath))"
    case .dataCorrupted(let context):
      return "not an event: \(context.debugDescription)\(place(context.codingPath))"
    @unknown default: return "not an event"
    }
  }
}

/// Why no report can be made of a file.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// Counted from 1; 0 where the trouble is not in a line.
  public var line: Int
  public var message: String

  public init(path: String, line: Int, message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  public var description: String {
    line > 0 ? "\(path):\(line): \(message)" : "\(path): \(message)"
  }
}
