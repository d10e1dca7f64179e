import StormEngine
import StormVocabulary

// What the closing tables show must still be there, or come: a state from which it cannot is a dead end, long before the
// closing point.

extension PointSearch {
  /// What one window's tables ask for, and which of its calls can bring it about.
  struct Outlook {
    var window: Int
    var survivors: Survivors
    /// Calls that mount a source anew that has to stand, with its slot.
    var arrivals: [(index: Int, slot: Int)] = []
    /// Calls that copy or move what stands.
    var copiers: [Int] = []
    /// Calls of which nothing is known: while one of them is left nothing is asked.
    var others: [Int] = []
  }

  /// Whether the tables of the window can no longer be reached from here, for certain.
  mutating func isHopeless(_ model: inout MountModel) -> Bool {
    guard looksAhead, windows[cursor.window].tables != nil else { return false }
    var outlook: Outlook
    if let known = self.outlook, known.window == cursor.window {
      outlook = known
    } else {
      outlook = makeOutlook(&model)
    }
    // Taken out, so that its buffers are not copied.
    self.outlook = nil
    defer { self.outlook = outlook }
    guard outlook.survivors.slotCount > 0, !outlook.others.contains(where: isLeft) else {
      return false
    }
    return model.hasLost(
      &outlook.survivors, canCopy: outlook.copiers.contains(where: isLeft),
      arrivals: outlook.arrivals.filter { isLeft($0.index) }.map(\.slot))
  }

  private func isLeft(_ index: Int) -> Bool { !states[index].isFinished }

  private func makeOutlook(_ model: inout MountModel) -> Outlook {
    var outlook = Outlook(
      window: cursor.window,
      survivors: model.survivors(
        in: (windows[cursor.window].tables ?? []).map { ($0.namespace, $0.table) }))
    for index in bounds[cursor.window]..<bounds[cursor.window + 1] {
      guard let observed = entries[index].observed else {
        outlook.others.append(index)
        continue
      }
      // A call that is refused brings nothing.
      guard observed == .none else { continue }
      switch entries[index].call.operation.arrival {
      case .nothing: break
      case .copies: outlook.copiers.append(index)
      case .anything: outlook.others.append(index)
      case .source(let source):
        if let slot = model.slot(of: source, in: outlook.survivors) {
          outlook.arrivals.append((index, slot))
        }
      }
    }
    return outlook
  }
}

/// Which mounts a call can bring into a namespace.
private enum Arrival {
  case nothing
  case copies
  case source(String)
  case anything
}

extension Operation {
  fileprivate var arrival: Arrival {
    switch self {
    case .umount2, .stat, .open, .close, .mkdir, .rmdir, .unlink, .touch, .symlink, .rename, .chdir,
      .mountSetattr, .hold, .letGo:
      return .nothing
    case .moveMount, .openTree: return .copies
    case .mount(let call):
      if call.flags.contains(.remount) { return .nothing }
      if call.flags.contains(.bind) { return .copies }
      if !call.flags.isDisjoint(with: .propagationTypes) { return .nothing }
      if call.flags.contains(.move) { return .copies }
      switch call.source {
      case .path(let source): return .source(source)
      case .null: return .source("none")
      case .descriptor, .relative: return .anything
      }
    case .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile, .chroot,
      .pivotRoot, .openTreeAttr, .fsmount, .fsmountNamespace:
      return .anything
    }
  }

  /// Whether a call that succeeds can take mounts away.
  var takesMounts: Bool {
    switch self {
    case .umount2, .rmdir, .unlink, .rename, .moveMount, .exit, .pivotRoot, .close, .setns,
      .setnsDescriptor:
      true
    case .mount(let call): call.flags.contains(.move)
    default: false
    }
  }
}
