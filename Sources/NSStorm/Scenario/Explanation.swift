public import StormEngine
public import StormVocabulary

/// Why the engine answers what it answers, in lines for people.
public struct Explanation {
  private var names: [Int: String]

  /// - Parameter names: what processes are called; a process without a name is called by its number.
  public init(names: [Int: String] = [:]) {
    self.names = names
  }

  private func name(_ process: Int) -> String { names[process] ?? "namespace \(process)" }

  /// The chain of rules of the model's last call, repeated rules counted.
  public func reasons(of model: borrowing MountModel) -> [String] {
    var lines: [(text: String, count: Int)] = []
    for reason in model.reasonsOfLastCall {
      let rule = reason.rule.explanation
      let answer = reason.errno == .none ? "" : " -> \(reason.errno.name)"
      let text = "\(rule.sentence)\(answer)  [\(rule.section) \(rule.function)]"
      if lines.last?.text == text {
        lines[lines.count - 1].count += 1
      } else {
        lines.append((text, 1))
      }
    }
    return lines.map { $0.count == 1 ? $0.text : "\($0.text) ×\($0.count)" }
  }

  /// Performs one call and explains it: the answer, the chain of rules, and the tables that changed, before and after.
  public func explain(
    _ operation: Operation, by process: Int, in model: inout MountModel
  ) -> [String] {
    model.beginExplaining()
    let before = Dictionary(
      uniqueKeysWithValues: model.livingProcesses.map { ($0, model.table(seenBy: $0)) })
    let errno = model.perform(operation, by: process)
    var lines = ["\(name(process)): \(operation) -> \(errno == .none ? "OK" : errno.description)"]
    for reason in reasons(of: model) { lines.append("  because \(reason)") }
    if errno == .busy, case .umount2(let path, _) = operation,
      case .success(let pins) = model.pins(on: path, by: process)
    {
      for pin in pins { lines.append("  pinned by \(pin)") }
    }
    let after = model.livingProcesses
    let changed = Set(before.keys).union(after).sorted().filter { process in
      before[process] != (after.contains(process) ? model.table(seenBy: process) : nil)
    }
    guard !changed.isEmpty else {
      lines.append("  no table changes")
      return lines
    }
    var text = ScenarioTableText(base: "")
    lines.append("  before:")
    for process in changed {
      guard let table = before[process] else { continue }
      lines += text.lines(of: table, name: name(process), everything: true).map { "    " + $0 }
    }
    lines.append("  after:")
    for process in changed where after.contains(process) {
      let table = model.table(seenBy: process)
      lines += text.lines(of: table, name: name(process), everything: true).map { "    " + $0 }
    }
    return lines
  }
}
