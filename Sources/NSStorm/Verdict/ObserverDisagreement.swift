public import StormVocabulary

/// A table that the two observers read at one quiescent moment and do not agree about: at least one of them is wrong, and
/// whatever the engine predicts, the kernel contradicts itself.
public struct ObserverDisagreement: Hashable, Sendable {
  public var namespace: NamespaceNumber
  public var mountinfo: MountTable
  /// In mountinfo's numbers.
  public var statmount: MountTable

  public init(namespace: NamespaceNumber, mountinfo: MountTable, statmount: MountTable) {
    self.namespace = namespace
    self.mountinfo = mountinfo
    self.statmount = statmount
  }

  /// The difference, mount by mount: both kernels' numbers are the same, so the id says which belong together.
  public var difference: TableDifference {
    var mounts: [MountDifference] = []
    var rows: [(side: TableDifference.Line.Side, columns: [String])] = []
    let names = NumberNames(Correspondences())
    let others = Dictionary(statmount.entries.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    let known = Set(mountinfo.entries.map(\.id))
    for entry in mountinfo.entries {
      let row = names.row(observed: entry)
      guard let other = others[entry.id] else {
        mounts.append(MountDifference(kind: .missingMount, place: .init(entry)))
        rows.append((.predicted, row))
        continue
      }
      guard other != entry else {
        rows.append((.same, row))
        continue
      }
      mounts += Self.differences(entry, other)
      rows += [(.predicted, row), (.observed, names.row(observed: other))]
    }
    for entry in statmount.entries where !known.contains(entry.id) {
      mounts.append(MountDifference(kind: .extraMount, place: .init(entry)))
      rows.append((.observed, names.row(observed: entry)))
    }
    if mounts.isEmpty, let entry = mountinfo.entries.first {
      mounts.append(MountDifference(kind: .wrongOrder, place: .init(entry)))
    }
    return TableDifference(namespace: namespace, mounts: mounts, lines: TableLines(rows).lines)
  }

  private static func differences(
    _ left: MountTable.Entry, _ right: MountTable.Entry
  ) -> [MountDifference] {
    var found: [MountDifference] = []
    func compare<Value: Equatable>(_ kind: MountDifference.Kind, _ first: Value, _ second: Value) {
      guard first != second else { return }
      found.append(
        MountDifference(
          kind: kind, place: .init(left), predicted: "\(first)", observed: "\(second)"))
    }
    compare(.wrongParent, left.parent, right.parent)
    compare(.wrongMountpoint, left.mountpoint, right.mountpoint)
    compare(.wrongRoot, left.root, right.root)
    compare(.wrongSuperblock, left.device, right.device)
    compare(.wrongAttributes, left.attributes.options, right.attributes.options)
    compare(.wrongSharedGroup, left.sharedGroup ?? 0, right.sharedGroup ?? 0)
    compare(.wrongMaster, left.masterGroup ?? 0, right.masterGroup ?? 0)
    compare(.wrongPropagateFrom, left.propagateFromGroup ?? 0, right.propagateFromGroup ?? 0)
    compare(.wrongUnbindable, left.isUnbindable, right.isUnbindable)
    compare(.wrongFileSystemType, left.fileSystemType, right.fileSystemType)
    compare(.wrongSource, left.source, right.source)
    compare(
      .wrongSuperblockState, left.superblockIsReadOnly ?? false,
      right.superblockIsReadOnly ?? false)
    return found
  }
}

extension Divergence {
  /// The observers of the mount tables contradict each other after a step.
  ///
  /// - Parameter operation: nil where the tables were read without a call.
  public init(
    step: Int, namespace: NamespaceNumber, operation: Operation?, answer: Errno,
    disagreements: [ObserverDisagreement]
  ) {
    self.init(
      step: step, namespace: namespace, operation: operation, predictedErrno: answer,
      observedErrno: answer, tables: disagreements.map(\.difference))
    observers = [.mountinfo, .statmount]
    let kinds = Set(tables.flatMap { $0.mounts.map(\.kind) })
    signature =
      "mountinfo and statmount: "
      + MountDifference.Kind.allCases.filter(kinds.contains).map(\.rawValue)
      .joined(separator: ", ")
  }
}
