public import StormEngine
public import StormVocabulary

/// The engine as a world for scenarios: a host root with a tmpfs named `base` on `/base`.
public final class EngineWorld: ScenarioWorld {
  public var model: MountModel
  private let inheritsFiles: Bool

  /// - Parameters:
  ///   - hasBase: false leaves the bare root tmpfs, for scenarios with absolute paths.
  ///   - rootSource: the device name of the root tmpfs of a world with a base.
  ///   - inheritsFiles: whether the child that becomes a namespace keeps its parent's open files, as a plain fork does;
  ///     the workers of a sandbox close them.
  public init(
    rules: KernelRules, hasBase: Bool = true, rootSource: String = "host",
    inheritsFiles: Bool = true
  ) {
    self.inheritsFiles = inheritsFiles
    var model = MountModel(
      rules: rules,
      initialTable: MountTable(entries: [
        MountTable.Entry(
          id: 2, parent: 1, device: DeviceNumber(major: 0, minor: 1), root: "/", mountpoint: "/",
          attributes: .relativeAccessTime, fileSystemType: "tmpfs",
          source: hasBase ? rootSource : "root")
      ]))
    if hasBase {
      _ = model.perform(.mkdir(.path(ScenarioParser.base)), by: 0)
      _ = model.perform(
        .mount(
          MountCall(type: "tmpfs", source: .path("base"), target: .path(ScenarioParser.base))),
        by: 0)
    }
    self.model = model
  }

  public func perform(_ operation: Operation, by process: Int) -> Errno {
    model.perform(operation, by: process)
  }

  public func makeNamespace(
    _ number: Int, newUser: Bool, isEmpty: Bool, from process: Int
  ) -> Errno {
    let errno = model.perform(
      isEmpty
        ? .unshareEmpty(namespace: number, newUser: newUser)
        : .unshare(namespace: number, newUser: newUser), by: process)
    if errno == .none, inheritsFiles { model.inheritFiles(from: process, to: number) }
    return errno
  }

  public func table(seenBy process: Int) -> MountTable {
    model.table(seenBy: process)
  }

  public func place(of path: PathArgument, by process: Int) -> (Errno, source: String, isRoot: Bool)
  {
    model.place(of: path, by: process)
  }

  public func descriptorPath(_ slot: DescriptorSlot, of process: Int) -> (Errno, path: String) {
    model.descriptorPath(slot, of: process)
  }
}
