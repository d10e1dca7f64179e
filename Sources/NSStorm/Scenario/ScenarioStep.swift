public import StormVocabulary

/// A small program in the scenario language: mount calls by named namespaces, and dumps of what stands.
public struct Scenario: Sendable {
  /// `E01`, or the file's name.
  public var name: String
  public var title: String
  public var steps: [ScenarioStep]
}

/// One line of a scenario.
public struct ScenarioStep: Sendable {
  /// 1-based line in the file.
  public var line: Int
  /// The namespace that acts: `A` unless the line begins with `@B`.
  public var actor: String
  /// Success is expected and not worth a line in the transcript (a leading `-`).
  public var isQuiet: Bool
  /// The line as it was written, without actor and dash.
  public var text: String
  public var command: Command

  public enum Command: Sendable {
    /// Calls made one after the other until one fails; the errno of the last one made counts.
    case calls([Operation])
    /// A new namespace under this name, of other users or not.
    case namespace(String, newUser: Bool)
    /// A new namespace under this name that holds the root mount alone (UNSHARE_EMPTY_MNTNS).
    case emptyNamespace(String, newUser: Bool)
    /// Opens the file of a namespace of that actor.
    case openNamespaceFile(NamespaceFileKind, of: String, DescriptorSlot)
    case setns(String)
    case exit
    /// Which file a path ends on.
    case stat(PathArgument)
    /// What the magic link of a descriptor says.
    case descriptorPath(DescriptorSlot)
    /// The same call again and again until it fails, at most this often.
    case `repeat`(Int, [Operation])
    /// How many mounts the actor sees below the scenario's base.
    case count
    /// Tables of these namespaces, of all when empty; below the base, or everything.
    case dump([String], everything: Bool)
    case say(String)
    /// Lets deferred work settle; nothing in the engine.
    case pause
  }
}

/// A line that is not in the scenario language.
public struct ScenarioProblem: Error, CustomStringConvertible, Sendable {
  public var file: String
  public var line: Int
  public var value: String
  public var reason: String

  public var description: String { "\(file):\(line): `\(value)`: \(reason)" }
}
