import StormVocabulary

// Calls that were about to be made when the recorder wrote its line. Where no answer follows, it is the call in which the
// kernel, or the machine, stopped.

extension TraceText {
  /// Makes the lines that announce calls.
  mutating func announce(_ calls: [NumberedCall]) {
    text.removeAll()
    for call in calls {
      text.raw("{\"announced\":")
      text.number(call.number)
      text.member("ns", call.namespace)
      text.call(call.operation)
      text.raw("}\n")
    }
  }

  /// Makes the line that settles them.
  mutating func answered(_ number: Int) {
    text.removeAll()
    text.raw("{\"answered\":")
    text.number(number)
    text.raw("}\n")
  }
}

/// Announced calls that were not answered yet.
struct AnnouncementBook {
  private(set) var open: [NumberedCall] = []

  mutating func add(_ call: NumberedCall) { open.append(call) }

  /// Takes away what an answer to this step settles.
  mutating func settle(_ number: Int) { open.removeAll { $0.number == number } }
}

/// Takes the announcements out of a trace whose answers stand in it, so that only those remain that the recorder did not
/// live to answer.
public enum AnnouncementFilter {
  private static let announced = Array("{\"announced\":".utf8)
  private static let answered = Array("{\"answered\":".utf8)
  private static let step = Array("{\"step\":".utf8)

  /// - Parameter bytes: a trace as the recorder wrote it; it may end in the middle of a line.
  public static func withoutAnswered(_ bytes: [UInt8]) -> [UInt8] {
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var open: [(number: [UInt8], line: ArraySlice<UInt8>)] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
      let line = bytes[start..<end]
      start = end
      if line.starts(with: announced) {
        open.append((number(line, behind: announced), line))
      } else if line.starts(with: answered) {
        let number = number(line, behind: answered)
        open.removeAll { $0.number == number }
      } else {
        if line.starts(with: step), !open.isEmpty {
          let number = number(line, behind: step)
          open.removeAll { $0.number == number }
        }
        kept += line
      }
    }
    for call in open { kept += call.line }
    return kept
  }

  private static func number(_ line: ArraySlice<UInt8>, behind key: [UInt8]) -> [UInt8] {
    Array(line.dropFirst(key.count).prefix { (0x30...0x39).contains($0) })
  }
}
