/// A fault in the words of a subject: what the kernel calls it, and the function where it struck.
struct FaultHeadline {
  let text: String

  init(_ fault: FaultEvent) {
    let function = Self.function(fault.lines).map { " in \($0)()" } ?? ""
    switch fault.kind {
    case .hang: text = "hang\(function)"
    case .log, .death, .taint:
      let line = fault.lines.first ?? fault.text.split(separator: "\n").first.map(String.init) ?? ""
      text = Self.shortened(line) + function
    }
  }

  /// Where the instruction pointer stood, else the first frame of a file that we know.
  private static func function(_ lines: [String]) -> String? {
    for line in lines {
      if let match = line.firstMatch(of: /RIP: [0-9a-f]+:([A-Za-z_][A-Za-z0-9_.]*)\+0x/) {
        return String(match.output.1)
      }
    }
    for line in lines {
      guard let match = line.firstMatch(of: /([A-Za-z_][A-Za-z0-9_.]*)\+0x[0-9a-f]+/) else {
        continue
      }
      let name = String(match.output.1)
      if KernelSource.file(of: name) != nil { return name }
    }
    return nil
  }

  /// Without time stamp, numbers of CPU and process, and what stands behind the first comma.
  private static func shortened(_ line: String) -> String {
    var text = line.replacing(/^\[ *[0-9]+\.[0-9]+\]\s*/, with: "")
    text = text.replacing(#/CPU: [0-9]+ (?:UID: [0-9]+ )?PID: [0-9]+ /#, with: "")
    text = text.replacing(#/^BUG: /#, with: "")
    return String(text.prefix { $0 != "," }.prefix(60))
  }
}
