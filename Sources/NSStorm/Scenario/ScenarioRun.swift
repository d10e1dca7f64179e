public import StormVocabulary

/// Where a scenario happens: the engine or a kernel.
public protocol ScenarioWorld {
  /// Makes a call; `unshare` brings the process with that number to life.
  mutating func perform(_ operation: Operation, by process: Int) throws -> Errno
  /// A child of the process, its open files included, becomes a new namespace.
  mutating func makeNamespace(
    _ number: Int, newUser: Bool, isEmpty: Bool, from process: Int
  ) throws -> Errno
  /// What mountinfo shows to the process.
  mutating func table(seenBy process: Int) throws -> MountTable
  /// The device name of the file system that a path ends on, and whether it ends on that file system's root.
  mutating func place(of path: PathArgument, by process: Int) throws -> (
    Errno, source: String, isRoot: Bool
  )
  /// What readlink of the descriptor's magic link says.
  mutating func descriptorPath(_ slot: DescriptorSlot, of process: Int) throws -> (
    Errno, path: String
  )
}

/// What a scenario did: the lines of its transcript.
public struct ScenarioTranscript: Sendable {
  public var lines: [String] = []
}

/// Runs a scenario in a world and writes down what happened, in the form of `spec/examples/expected-6.18.txt`.
public struct ScenarioRun<World: ScenarioWorld> {
  public private(set) var world: World
  private var transcript = ScenarioTranscript()
  private var processes: [String: Int] = ["A": 0]
  private var order = ["A"]
  /// Namespaces whose making was refused: their steps answer ESRCH.
  private var neverMade: Set<String> = []
  private var text: ScenarioTableText
  private var slots = ScenarioSlots()
  private let showsPlaces: Bool

  /// - Parameter showsPlaces: whether `stat` and `fdpath` say what was found, which a kernel's workers do not tell.
  public init(world: World, base: String = ScenarioParser.base, showsPlaces: Bool = true) {
    self.world = world
    self.showsPlaces = showsPlaces
    text = ScenarioTableText(base: base)
  }

  /// Runs all steps; throws only what the harness itself cannot do.
  public mutating func run(_ scenario: Scenario) throws -> ScenarioTranscript {
    transcript.lines.append("\(scenario.name): \(scenario.title)")
    let sources = Self.sources(of: scenario)
    for step in scenario.steps { try run(step, sources: sources, scenario.name) }
    return transcript
  }

  private static func sources(of scenario: Scenario) -> Set<String> {
    var sources: Set<String> = ["base"]
    for step in scenario.steps {
      guard case .calls(let calls) = step.command,
        step.text.hasPrefix("tmpfs ") || step.text.hasPrefix("fsmount")
      else { continue }
      for call in calls {
        switch call {
        case .mount(let mount):
          if mount.type != nil, case .path(let source) = mount.source { sources.insert(source) }
        case .fsmount(_, let source, _), .fsmountNamespace(_, let source, _):
          sources.insert(source)
        default: break
        }
      }
    }
    return sources
  }

  private mutating func run(
    _ step: ScenarioStep, sources: Set<String>, _ file: String
  ) throws {
    guard let process = processes[step.actor] else {
      if neverMade.contains(step.actor) {
        switch step.command {
        case .namespace(let name, _), .emptyNamespace(let name, _): neverMade.insert(name)
        default: break
        }
        return answer(step, .noSuchProcess, always: true)
      }
      throw ScenarioProblem(
        file: file, line: step.line, value: "@\(step.actor)",
        reason: "no namespace of that name lives; there are \(order.joined(separator: ", "))")
    }
    switch step.command {
    case .calls(let operations):
      var errno = Errno.none
      for operation in operations where errno == .none {
        errno = try make(operation, by: process)
      }
      answer(step, errno)
    case .namespace(let name, let newUser):
      answer(step, try make(name, newUser: newUser, isEmpty: false, from: process))
    case .emptyNamespace(let name, let newUser):
      answer(step, try make(name, newUser: newUser, isEmpty: true, from: process))
    case .openNamespaceFile(let kind, let name, let slot):
      let number = try number(of: name, step, file)
      answer(step, try make(.openNamespaceFile(kind, of: number, slot), by: process))
    case .setns(let name):
      let number = try number(of: name, step, file)
      answer(step, try world.perform(.setns(number), by: process))
    case .exit:
      let errno = try world.perform(.exit, by: process)
      processes[step.actor] = nil
      order.removeAll { $0 == step.actor }
      answer(step, errno)
    case .stat(let path):
      let (errno, source, isRoot) = try world.place(
        of: slots.translated(path, of: process), by: process)
      let name = sources.contains(source) ? source : "host"
      let note = "on \(name)\(isRoot ? " root" : "")"
      answer(step, errno, note: showsPlaces ? note : nil)
    case .descriptorPath(let slot):
      let (errno, path) = try world.descriptorPath(slots.actual(slot, of: process), of: process)
      answer(step, errno, note: showsPlaces ? "path \(path)" : nil)
    case .repeat(let times, let operations):
      var made = 0
      var errno = Errno.none
      while made < times, errno == .none {
        for operation in operations where errno == .none {
          errno = try make(operation, by: process)
        }
        if errno == .none { made += 1 }
      }
      answer(step, errno, note: "n \(made) times", always: true)
    case .count:
      let count = text.visible(try world.table(seenBy: process), everything: false).count
      answer(step, .none, note: "n \(count)")
    case .dump(let names, let everything):
      for name in names.isEmpty ? order.sorted() : names {
        guard let number = processes[name] else { continue }
        let table = try world.table(seenBy: number)
        transcript.lines += text.lines(of: table, name: name, everything: everything)
      }
    case .say(let remark): transcript.lines.append("-- \(remark)")
    case .pause: break
    }
  }

  private func number(
    of name: String, _ step: ScenarioStep, _ file: String
  ) throws(ScenarioProblem) -> Int {
    guard let number = processes[name] else {
      throw ScenarioProblem(
        file: file, line: step.line, value: name, reason: "no namespace of that name lives")
    }
    return number
  }

  private mutating func make(
    _ name: String, newUser: Bool, isEmpty: Bool, from process: Int
  ) throws -> Errno {
    let number = (processes.values.max() ?? 0) + 1
    let errno = try world.makeNamespace(
      number, newUser: newUser, isEmpty: isEmpty, from: process)
    if errno == .none {
      processes[name] = number
      order.append(name)
      slots.inherit(from: process, to: number)
    } else {
      neverMade.insert(name)
    }
    return errno
  }

  private mutating func make(_ operation: Operation, by process: Int) throws -> Errno {
    let (translated, opened) = slots.translated(operation, of: process)
    let errno = try world.perform(translated, by: process)
    if errno == .none, let opened { slots.remember(opened, of: process) }
    return errno
  }

  private mutating func answer(
    _ step: ScenarioStep, _ errno: Errno, note: String? = nil, always: Bool = false
  ) {
    if step.isQuiet, errno == .none { return }
    var line = "\(step.actor): \(step.text) -> \(errno == .none ? "OK" : errno.name)"
    if let note, errno == .none || always { line += " (\(note))" }
    transcript.lines.append(line)
  }
}
