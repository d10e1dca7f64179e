/// Whether text for people has colours.
public enum TextStyle: Hashable, Sendable {
  case plain, coloured

  /// Follows the conventions of NO_COLOR and CLICOLOR_FORCE.
  ///
  /// - Parameters:
  ///   - environment: of the process. A non-empty `NO_COLOR` forbids colours whatever else is set; `CLICOLOR_FORCE` other
  ///     than `0` demands them even in a pipe.
  ///   - isTerminal: whether the text goes to a terminal.
  public init(environment: [String: String], isTerminal: Bool) {
    if environment["NO_COLOR"].map({ !$0.isEmpty }) ?? false {
      self = .plain
    } else if environment["CLICOLOR_FORCE"].map({ !$0.isEmpty && $0 != "0" }) ?? false {
      self = .coloured
    } else {
      let isDumb = environment["TERM"].map { $0.isEmpty || $0 == "dumb" } ?? true
      self = isTerminal && !isDumb && environment["CLICOLOR"] != "0" ? .coloured : .plain
    }
  }

  func good(_ text: String) -> String { marked(text, 32) }
  func warning(_ text: String) -> String { marked(text, 33) }
  func bad(_ text: String) -> String { marked(text, 31) }

  private func marked(_ text: String, _ code: Int) -> String {
    self == .plain ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
