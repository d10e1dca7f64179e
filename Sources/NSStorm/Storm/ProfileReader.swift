import StormEngine
import StormVocabulary
import Yams

extension Profile {
  /// Reads a profile from YAML.
  ///
  /// - Parameters:
  ///   - name: the profile's name, from its file.
  ///   - file: the path that error messages show.
  /// - Throws: ``ProfileError/invalid(_:)`` with every problem found, each with line and column.
  public init(yaml: String, name: String, file: String) throws(ProfileError) {
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: yaml) else {
        throw ProfileError.invalid([
          ProfileProblem(file: file, line: 1, column: 1, message: "the file holds no profile")
        ])
      }
      root = node
    } catch let error as ProfileError {
      throw error
    } catch {
      throw .invalid([Self.syntaxProblem(error, file: file)])
    }
    var reader = NodeReader(file: file)
    let profile = reader.profile(root, name: name, explanation: Self.headComment(of: yaml))
    guard reader.problems.isEmpty, let profile else {
      throw .invalid(reader.problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }
    self = profile
  }

  private static func syntaxProblem(_ error: any Error, file: String) -> ProfileProblem {
    guard let error = error as? YamlError else {
      return ProfileProblem(file: file, line: 1, column: 1, message: "\(error)")
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return ProfileProblem(
        file: file, line: mark.line, column: mark.column, message: "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      return ProfileProblem(
        file: file, line: context.mark.line, column: context.mark.column,
        message: "given twice: \(duplicates.joined(separator: ", "))")
    default:
      return ProfileProblem(file: file, line: 1, column: 1, message: "not YAML: \(error)")
    }
  }

  /// The comment lines at the head of the file, without their marks.
  static func headComment(of yaml: String) -> String {
    yaml.split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("#") }
      .map { $0.dropFirst().hasPrefix(" ") ? $0.dropFirst(2) : $0.dropFirst() }
      .joined(separator: "\n")
  }
}

extension NodeReader {
  fileprivate mutating func profile(_ node: Node, name: String, explanation: String) -> Profile? {
    let keys = ["summary", "rules", "seed", "limits", "observers", "phases"]
    guard
      let fields = fields(
        node, of: "a profile", allowed: keys, required: ["summary", "rules", "phases"])
    else { return nil }
    let summary = fields["summary"].flatMap { string($0, "summary") }
    let followsKernel = fields["rules"]?.string == "running"
    let newest = KernelRules.knownReleases.upperBound
    let release =
      followsKernel
      ? KernelRelease(newest.major, newest.minor) : fields["rules"].flatMap { self.rules($0) }
    let seed = fields["seed"].flatMap { self.seed($0) } ?? Seed(rawValue: 1)
    var limits = Profile.Limits()
    if let node = fields["limits"] { read(node, into: &limits) }
    let phases = fields["phases"].flatMap { self.phases($0, limits: limits) }
    let observers = fields["observers"].flatMap { self.observers($0) }
    guard let summary, let release, let phases else { return nil }
    var profile = Profile(
      name: name, summary: summary, explanation: explanation, rules: release, seed: seed,
      limits: limits, phases: phases)
    profile.observers = observers ?? profile.observers
    profile.followsKernel = followsKernel
    return profile
  }

  /// One observer or both, the one whose tables are compared with the predictions first.
  private mutating func observers(_ node: Node) -> [TableObserver]? {
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      report(node, "observers is a list of mountinfo, statmount or both")
      return nil
    }
    var observers: [TableObserver] = []
    for node in sequence {
      guard let observer: TableObserver = choice(node, "an observer") else { return nil }
      if observers.contains(observer) { report(node, "\(observer.rawValue) is named twice") }
      observers.append(observer)
    }
    return observers
  }

  private mutating func rules(_ node: Node) -> KernelRelease? {
    guard let text = string(node, "rules") else { return nil }
    guard let release = KernelRelease(release: text), release >= KernelRelease(5, 10) else {
      report(
        node, "rules is '\(text)'; allowed: running, or a kernel release from 5.10 on, such as 6.18"
      )
      return nil
    }
    return release
  }

  private mutating func seed(_ node: Node) -> Seed? {
    guard let text = string(node, "seed") else { return nil }
    guard let seed = Seed(text) else {
      report(node, "seed is '\(text)'; allowed: a number below 2^64, such as 7 or 0x1f")
      return nil
    }
    return seed
  }

  private mutating func read(_ node: Node, into limits: inout Profile.Limits) {
    let keys = [
      "namespaces", "mounts-per-namespace", "mounts", "mount-max", "descriptors", "root-size",
      "answer", "run",
    ]
    guard let fields = fields(node, of: "limits", allowed: keys) else { return }
    if let node = fields["namespaces"] {
      limits.namespaces = integer(node, "limits.namespaces", in: 1...4_096) ?? limits.namespaces
    }
    if let node = fields["mounts-per-namespace"] {
      limits.mountsPerNamespace =
        integer(node, "limits.mounts-per-namespace", in: 2...100_000) ?? limits.mountsPerNamespace
    }
    if let node = fields["mounts"] {
      limits.mounts = integer(node, "limits.mounts", in: 2...2_000_000) ?? limits.mounts
    }
    if let node = fields["mount-max"] {
      limits.mountLimit = integer(node, "limits.mount-max", in: 100...100_000)
    }
    if let node = fields["descriptors"] {
      limits.descriptors = integer(node, "limits.descriptors", in: 0...64) ?? limits.descriptors
    }
    if let node = fields["root-size"] {
      limits.rootBytes =
        bytes(node, "limits.root-size", in: 1 << 20...1 << 34) ?? limits.rootBytes
    }
    if let node = fields["answer"] {
      limits.answer = duration(node, "limits.answer") ?? limits.answer
    }
    if let node = fields["run"] { limits.run = duration(node, "limits.run") ?? limits.run }
  }

  private mutating func phases(_ node: Node, limits: Profile.Limits) -> [Phase]? {
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      report(node, "phases is a list of at least one phase")
      return nil
    }
    return sequence.enumerated().compactMap { index, node in
      phase(node, number: index + 1, limits: limits)
    }
  }
}
