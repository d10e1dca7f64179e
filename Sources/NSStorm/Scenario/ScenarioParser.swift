import StormVocabulary

/// Reads the scenario language: `spec/examples/cases.txt` is written in it.
///
/// `case NAME: title` begins a scenario; a leading `-` marks a step that must succeed and is not shown, `@B` names the
/// actor, `#` begins a comment. A path `/x` lies below the scenario's base directory, `=/x` is taken literally, and `%1` is
/// the magic link of descriptor 1.
public struct ScenarioParser {
  /// The directory that plain paths are below.
  public static let base = "/base"

  /// The words that begin a step, for messages.
  public static let words = [
    "bind", "chdir", "chg", "chroot", "close", "count", "dump", "dumpall", "emptyns", "emptynsuser",
    "exit", "fdpath", "fsmount", "fsmountns", "letgo", "map", "mkdir", "mm", "mmfd", "mmfdat",
    "mountfs", "move", "ns", "nsfile", "nsuser", "opath", "open", "openat", "otree", "otreeat",
    "otreeattr", "otreens", "pivot", "rawmount", "rbind", "remount", "rename", "rep", "rmdir",
    "sattr", "sattrfd", "say", "send", "setns", "setnsfd", "sleep", "stat", "symlink", "tmpfs",
    "touch", "umount", "unlink", "userfile",
  ]

  private let file: String
  private let base: String

  /// - Parameter base: where plain paths are; empty when they are absolute.
  public init(file: String, base: String = ScenarioParser.base) {
    self.file = file
    self.base = base
  }

  /// All scenarios of a text; one without a `case` line is a single scenario named after the file.
  public func parse(_ text: String) throws(ScenarioProblem) -> [Scenario] {
    var scenarios: [Scenario] = []
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = trim(raw)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("case ") {
        let rest = line.dropFirst(5)
        let parts = rest.split(separator: ":", maxSplits: 1)
        guard let name = parts.first else {
          throw problem(index + 1, String(line), "a case needs a name: `case NAME: title`")
        }
        scenarios.append(
          Scenario(
            name: String(trim(name)), title: parts.count > 1 ? String(trim(parts[1])) : "",
            steps: []))
        continue
      }
      if scenarios.isEmpty { scenarios.append(Scenario(name: file, title: "", steps: [])) }
      scenarios[scenarios.count - 1].steps.append(try step(String(line), at: index + 1))
    }
    return scenarios
  }

  /// Steps typed on one line, separated by semicolons.
  public func parse(line: String) throws(ScenarioProblem) -> Scenario {
    var steps: [ScenarioStep] = []
    for part in line.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
      let text = trim(part)
      if !text.isEmpty { steps.append(try step(String(text), at: 1)) }
    }
    return Scenario(name: "line", title: "", steps: steps)
  }

  private func trim(_ text: some StringProtocol) -> Substring {
    var text = Substring(text)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  private func problem(_ line: Int, _ value: String, _ reason: String) -> ScenarioProblem {
    ScenarioProblem(file: file, line: line, value: value, reason: reason)
  }

  private func step(_ text: String, at line: Int) throws(ScenarioProblem) -> ScenarioStep {
    var rest = text[...]
    var actor = "A"
    var isQuiet = false
    if rest.hasPrefix("-") {
      isQuiet = true
      rest = trim(rest.dropFirst())
    }
    if rest.hasPrefix("@") {
      let name = rest.dropFirst().prefix { !$0.isWhitespace }
      guard !name.isEmpty else { throw problem(line, text, "`@` needs the name of a namespace") }
      actor = String(name)
      rest = trim(rest.dropFirst(name.count + 1))
      if rest.hasPrefix("-") {
        isQuiet = true
        rest = trim(rest.dropFirst())
      }
    }
    let words = rest.split(separator: " ").map(String.init)
    let command = try StepReader(words: words, base: base) { value, reason in
      problem(line, value, reason)
    }.command(String(rest))
    return ScenarioStep(
      line: line, actor: actor, isQuiet: isQuiet, text: String(rest), command: command)
  }
}
