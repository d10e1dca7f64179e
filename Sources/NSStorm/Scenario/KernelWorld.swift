public import StormKernel
public import StormVocabulary

/// The running kernel as a world for scenarios, in a sandbox of its own.
public final class KernelWorld: ScenarioWorld {
  private let sandbox: Sandbox

  /// A call after which the run cannot go on.
  public struct Stuck: Error, CustomStringConvertible {
    public let description: String
  }

  /// Takes a fresh sandbox and makes the base as ``EngineWorld`` does.
  public init(sandbox: Sandbox) throws {
    self.sandbox = sandbox
    for operation: Operation in [
      .mkdir(.path(ScenarioParser.base)),
      .mount(MountCall(type: "tmpfs", source: .path("base"), target: .path(ScenarioParser.base))),
    ] {
      let errno = try perform(operation, by: 0)
      guard errno == .none else {
        throw Stuck(
          description: "preparing the scenario's base with `\(operation)` answered \(errno)")
      }
    }
  }

  public func perform(_ operation: Operation, by process: Int) throws -> Errno {
    switch try sandbox.perform(operation, by: process) {
    case .answered(let record): return record.errno
    case .hang(let report): throw Stuck(description: "`\(operation)` did not come back: \(report)")
    case .died(let death): throw Stuck(description: "\(death)")
    }
  }

  public func makeNamespace(
    _ number: Int, newUser: Bool, isEmpty: Bool, from process: Int
  ) throws -> Errno {
    try perform(
      isEmpty
        ? .unshareEmpty(namespace: number, newUser: newUser)
        : .unshare(namespace: number, newUser: newUser), by: process)
  }

  public func table(seenBy process: Int) throws -> MountTable {
    switch try sandbox.table(of: process) {
    case .seen(let table): return table
    case .hang(let report): throw Stuck(description: "reading a table did not come back: \(report)")
    }
  }

  /// Only the errno: workers report no more of a file than that it is there.
  public func place(of path: PathArgument, by process: Int) throws -> (
    Errno, source: String, isRoot: Bool
  ) {
    (try perform(.stat(path), by: process), "", false)
  }

  /// Only whether the descriptor is open.
  public func descriptorPath(_ slot: DescriptorSlot, of process: Int) throws -> (
    Errno, path: String
  ) {
    (try perform(.stat(.descriptor(slot)), by: process), "")
  }
}
