import StormEngine
import StormVerdict
import StormVocabulary

/// The parts of a C program that `--format c` and `--format kselftest` have in common.
struct CProgram {
  let source: ReproducerCase
  /// `step()`: one `case` for each call.
  let stepFunction: String
  /// Everything from the first include to the last helper.
  let body: String
  /// The C names of the namespaces, in the order of their numbers.
  let names: [String]
  let exits: [Int]
  /// Whether some call changes the working directory for its time: threads share it.
  let borrowsDirectory: Bool

  /// A statement of the program that compares what is seen with what must be seen.
  struct Check {
    /// Statements before it.
    var preparation: [String]
    var actual: String
    var expected: String
    /// The same as a sentence.
    var meaning: String
  }

  /// - Parameter race: what a process does that is told to race (``CPieces/race``), and what it needs before all else.
  init(_ source: ReproducerCase, race: (declarations: String, functions: String)? = nil) {
    self.source = source
    let writer = ScenarioNames(source.steps)
    names = writer.all
    var expressions = CExpressions { number in writer.name(of: number) }
    var cases: [String] = []
    var exits: [Int] = []
    for (index, step) in source.steps.enumerated() {
      let expression = expressions.expression(step.operation, by: step.namespace)
      cases.append(
        "\tcase \(index + 1): /* \(Self.comment("\(writer.name(of: step.namespace)): \(step.operation)")) */"
      )
      cases.append("\t\treturn \(expression);")
      if step.operation == .exit { exits.append(index + 1) }
    }
    self.exits = exits
    stepFunction =
      "static int step(int number)\n{\n\tswitch (number) {\n"
      + cases.joined(separator: "\n") + "\n\t}\n\treturn ENOSYS;\n}"
    body = Self.body(
      source, names: names, stepFunction: stepFunction, needs: expressions.needs, exits: exits,
      race: race)
    borrowsDirectory = expressions.needs.contains(.borrowing)
  }

  static func comment(_ text: String) -> String {
    text.replacing("*/", with: "* /").replacing("\n", with: " ")
  }

  private static func body(
    _ source: ReproducerCase, names: [String], stepFunction: String,
    needs: Set<CExpressions.Need>, exits: [Int], race: (declarations: String, functions: String)?
  ) -> String {
    let usesSlots = needs.contains(.slots)
    var pieces = [CPieces.state]
    if let race { pieces.append(race.declarations) }
    if needs.contains(.procfs) { pieces.append(CPieces.procfs) }
    if usesSlots { pieces.append(CPieces.slots) }
    if needs.contains(.borrowing) { pieces.append(CPieces.borrowing) }
    if needs.contains(.setattr) { pieces.append(CPieces.setattr) }
    if needs.contains(.treeAttr) { pieces.append(CPieces.treeAttr) }
    if needs.contains(.fsmount) { pieces.append(CPieces.fsmount) }
    if needs.contains(.namespaceFiles) { pieces.append(CPieces.namespaceFiles) }
    if needs.contains(.holds) { pieces.append(CPieces.holds) }
    if needs.contains(.setns) { pieces.append(CPieces.join) }
    if needs.contains(.users) { pieces.append(CPieces.users) }
    if needs.contains(.namespaces) {
      pieces.append(
        CPieces.namespaces(
          usesSlots: usesSlots, mapsUsers: needs.contains(.users),
          usesHolds: needs.contains(.holds)))
    }
    pieces.append(stepFunction)
    if let race { pieces.append(race.functions) }
    pieces.append(CPieces.serve(exits: exits, races: race != nil))
    pieces.append(
      CPieces.start(usesProcfs: needs.contains(.procfs), usesSlots: usesSlots))
    if !source.facts.isEmpty { pieces.append(CPieces.tables) }
    let text = pieces.joined(separator: "\n\n")
    var head = CPieces.includes
    let used = CPieces.constants.filter { text.contains($0.name) }
    if !used.isEmpty {
      head +=
        "\n\n"
        + used.map {
          "#ifndef \($0.name)\n#define \($0.name) \($0.value)\n#endif"
        }.joined(separator: "\n")
    }
    var enumeration = "enum { \(names.joined(separator: ", ")), PROCESSES };"
    if usesSlots {
      let last = source.steps.compactMap { $0.operation.highestSlot }.max() ?? 0
      enumeration += "\nenum { SLOTS = \(last + 1) };"
    }
    return head + "\n\n" + enumeration + "\n\n" + text
  }

  // MARK: - Facts

  /// What must be noted before the last call.
  var notes: [String] {
    source.facts.enumerated().compactMap { index, fact in
      guard case .remains = fact.kind else { return nil }
      return "find(\(place(fact.mount)), &before[\(index)]);"
    }
  }

  var checks: [Check] {
    source.facts.enumerated().map { index, fact in
      let mount = fact.mount
      let words = meaning(mount)
      let found = "find(\(place(mount)), &mount);"
      func about(_ actual: String, _ expected: String, _ meaning: String) -> Check {
        Check(preparation: [found], actual: actual, expected: expected, meaning: meaning)
      }
      func also(_ other: TableFact.Mount) -> [String] { [found, "find(\(place(other)), &other);"] }
      switch fact.kind {
      case .count(let count):
        return Check(
          preparation: [], actual: "find(\(place(mount)), &mount)", expected: "\(count)",
          meaning: "\(name(mount.namespace)) shows \(count) of \(Self.bare(mount))")
      case .unbindable(let value):
        return about(
          "mount.unbindable", value ? "1" : "0", "\(words) is \(value ? "" : "not ")unbindable")
      case .shared(let value):
        return about(
          "mount.shared != 0", value ? "1" : "0", "\(words) is \(value ? "" : "not ")shared")
      case .slave(let value):
        return about(
          "mount.master != 0", value ? "1" : "0", "\(words) is \(value ? "" : "not ")a slave")
      case .propagateFrom(let value):
        return about(
          "mount.propagate_from != 0", value ? "1" : "0",
          "\(words) has \(value ? "a" : "no") propagate_from")
      case .options(let text):
        return about(
          "strcmp(mount.options, \(literal(text)))", "0", "\(words) has the options \(text)")
      case .parent(let parent):
        return Check(
          preparation: also(parent), actual: "mount.parent == other.id", expected: "1",
          meaning: "\(words) is mounted on \(meaning(parent))")
      case .peer(let other, let value):
        return Check(
          preparation: also(other), actual: "mount.shared == other.shared",
          expected: value ? "1" : "0",
          meaning: "\(words) is \(value ? "a" : "no") peer of \(meaning(other))")
      case .master(let other, let value):
        return Check(
          preparation: also(other), actual: "mount.master == other.shared",
          expected: value ? "1" : "0",
          meaning: "\(words) is \(value ? "a" : "no") slave of \(meaning(other))")
      case .remains:
        return about(
          "mount.id == before[\(index)].id", "1", "\(words) is the mount that stood there before")
      }
    }
  }

  private func place(_ mount: TableFact.Mount) -> String {
    "\(name(mount.namespace)), \(mount.index), \(literal(mount.mountpoint)), \(literal(mount.root)), \(literal(mount.source))"
  }

  func name(_ namespace: NamespaceNumber) -> String {
    ScenarioNames(source.steps).name(of: namespace)
  }

  private func meaning(_ mount: TableFact.Mount) -> String {
    "\(name(mount.namespace))'s \(Self.bare(mount))"
      + (mount.index > 0 ? " (number \(mount.index + 1))" : "")
  }

  private static func bare(_ mount: TableFact.Mount) -> String {
    "\(mount.mountpoint) (\(mount.source), root \(mount.root))"
  }

  // MARK: - Text

  /// What the program is about, for its first comment.
  var heading: [String] {
    var lines = [
      "\(source.property)",
      "",
      "Predicted: \(predictedSentence)",
      "Seen on \(source.kernel): \(seenSentence)",
    ]
    if let rule = source.rule { lines.append("Decided by: \(rule).") }
    if let issue = source.issue {
      lines.append("Known as \(issue.id); mended by \"\(issue.fixSubject)\".")
    }
    return lines.map(Self.comment)
  }

  private var lastCall: String {
    source.steps.last.map { "\(name($0.namespace)): \($0.operation)" } ?? ""
  }

  private var predictedSentence: String {
    let errno = source.divergence.predictedErrno
    let answer = "`\(lastCall)` answers \(errno == .none ? "0" : errno.name)"
    let facts = checks.map(\.meaning).joined(separator: "; ")
    return facts.isEmpty ? answer + "." : answer + ", and then " + facts + "."
  }

  private var seenSentence: String {
    let observed = source.divergence.observedErrno
    if observed != source.divergence.predictedErrno {
      return "it answers \(observed == .none ? "0" : observed.name)."
    }
    return source.divergence.tables.flatMap(\.mounts).prefix(4).map(\.description)
      .joined(separator: "; ") + "."
  }
}

/// Names for the namespaces of a case: A for the first one, then B, C, …
struct ScenarioNames {
  private let names: [NamespaceNumber: String]

  init(_ steps: [ReproducerCase.Step]) {
    var names: [NamespaceNumber: String] = [0: "A"]
    for step in steps {
      var numbers = [step.namespace]
      if let new = step.operation.newNamespace { numbers.append(new) }
      for number in numbers where names[number] == nil {
        let index = names.count
        names[number] = index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : "N\(index)"
      }
    }
    self.names = names
  }

  func name(of namespace: NamespaceNumber) -> String { names[namespace] ?? "N\(namespace)" }

  var all: [String] {
    names.values.sorted { ($0.count, $0) < ($1.count, $1) }
  }
}

extension Operation {
  /// The highest descriptor slot that the call names.
  var highestSlot: DescriptorSlot? {
    var slots: [DescriptorSlot] = paths.compactMap {
      switch $0 {
      case .descriptor(let slot), .relative(let slot, _): slot
      case .null, .path: nil
      }
    }
    switch self {
    case .open(_, _, let slot), .close(let slot), .openTree(_, _, let slot),
      .fsmount(_, _, let slot):
      slots.append(slot)
    default: break
    }
    return slots.max()
  }
}
