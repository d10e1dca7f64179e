import StormVocabulary

/// The descriptor numbers of a scenario. A number that is opened again names the new file from then on, while the earlier one
/// stays open until its process ends; so each opening gets a slot of its own.
struct ScenarioSlots {
  struct Opening {
    var number: DescriptorSlot
    var actual: DescriptorSlot
  }

  private var actualSlots: [Int: [DescriptorSlot: DescriptorSlot]] = [:]
  private var lastActual = 0
  /// The last slot that a worker has: scenarios open fewer files than that.
  private static let neverOpened = 1023

  func actual(_ number: DescriptorSlot, of process: Int) -> DescriptorSlot {
    actualSlots[process]?[number] ?? Self.neverOpened
  }

  mutating func inherit(from parent: Int, to child: Int) {
    actualSlots[child] = actualSlots[parent]
  }

  mutating func remember(_ opening: Opening, of process: Int) {
    actualSlots[process, default: [:]][opening.number] = opening.actual
  }

  func translated(_ path: PathArgument, of process: Int) -> PathArgument {
    switch path {
    case .null, .path: path
    case .descriptor(let number): .descriptor(actual(number, of: process))
    case .relative(let number, let rest): .relative(actual(number, of: process), rest)
    }
  }

  private func translated(_ change: AttributeChange, of process: Int) -> AttributeChange {
    if case .idmap(let number) = change { .idmap(actual(number, of: process)) } else { change }
  }

  private mutating func opening(_ number: DescriptorSlot) -> Opening {
    lastActual += 1
    return Opening(number: number, actual: lastActual)
  }

  /// The call with actual slots, and what it opens if it succeeds.
  mutating func translated(
    _ operation: Operation, of process: Int
  ) -> (Operation, Opening?) {
    func path(_ argument: PathArgument) -> PathArgument { translated(argument, of: process) }
    switch operation {
    case .mkdir(let at): return (.mkdir(path(at)), nil)
    case .rmdir(let at): return (.rmdir(path(at)), nil)
    case .unlink(let at): return (.unlink(path(at)), nil)
    case .touch(let at): return (.touch(path(at)), nil)
    case .rename(let from, let to): return (.rename(from: path(from), to: path(to)), nil)
    case .symlink(let contents, let at): return (.symlink(contents: contents, at: path(at)), nil)
    case .mount(var call):
      call.source = path(call.source)
      call.target = path(call.target)
      return (.mount(call), nil)
    case .umount2(let at, let flags): return (.umount2(path(at), flags), nil)
    case .open(let at, let flags, let number):
      let opened = opening(number)
      return (.open(path(at), flags, opened.actual), opened)
    case .close(let number): return (.close(actual(number, of: process)), nil)
    case .chdir(let at): return (.chdir(path(at)), nil)
    case .chroot(let at): return (.chroot(path(at)), nil)
    case .pivotRoot(let new, let old):
      return (.pivotRoot(newRoot: path(new), putOld: path(old)), nil)
    case .openTree(let at, let flags, let number):
      let opened = opening(number)
      return (.openTree(path(at), flags, opened.actual), opened)
    case .fsmount(let type, let source, let number):
      let opened = opening(number)
      return (.fsmount(type: type, source: source, opened.actual), opened)
    case .moveMount(let from, let to, let flags):
      return (.moveMount(from: path(from), to: path(to), flags), nil)
    case .mountSetattr(let at, let recursive, let change):
      return (
        .mountSetattr(path(at), recursive: recursive, translated(change, of: process)), nil
      )
    case .stat(let at): return (.stat(path(at)), nil)
    case .openTreeAttr(let at, let flags, let change, let number):
      let opened = opening(number)
      return (
        .openTreeAttr(path(at), flags, translated(change, of: process), opened.actual), opened
      )
    case .fsmountNamespace(let type, let source, let number):
      let opened = opening(number)
      return (.fsmountNamespace(type: type, source: source, opened.actual), opened)
    case .openNamespaceFile(let kind, let of, let number):
      let opened = opening(number)
      return (.openNamespaceFile(kind, of: of, opened.actual), opened)
    case .setnsDescriptor(let number):
      return (.setnsDescriptor(actual(number, of: process)), nil)
    case .hold(let number, let kind, let hold):
      return (.hold(actual(number, of: process), kind, hold), nil)
    case .letGo, .unshare, .unshareEmpty, .exit, .setns: return (operation, nil)
    }
  }
}
