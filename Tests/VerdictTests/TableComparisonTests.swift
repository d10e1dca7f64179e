import Foundation
import StormVocabulary
import Testing

@testable import StormVerdict

/// A hand-made table: the engine's numbers, or the kernel's after `translated`.
private func entry(
  _ id: UInt64, below parent: UInt64, at mountpoint: String, device: UInt32 = 1, root: String = "/",
  shared: UInt32? = nil, master: UInt32? = nil, propagateFrom: UInt32? = nil,
  unbindable: Bool = false, source: String = "t", attributes: MountAttributes = .relativeAccessTime
) -> MountTable.Entry {
  MountTable.Entry(
    id: id, parent: parent, device: DeviceNumber(major: 0, minor: device), root: root,
    mountpoint: mountpoint, attributes: attributes, sharedGroup: shared, masterGroup: master,
    propagateFromGroup: propagateFrom, isUnbindable: unbindable, fileSystemType: "tmpfs",
    source: source)
}

/// The kernel's numbers for the engine's: any injective function will do.
private func translated(_ table: MountTable) -> MountTable {
  var table = table
  for index in table.entries.indices {
    table.entries[index].id = table.entries[index].id * 7 + 60
    table.entries[index].parent = table.entries[index].parent * 7 + 60
    table.entries[index].device.minor = table.entries[index].device.minor * 3 + 30
    table.entries[index].sharedGroup = table.entries[index].sharedGroup.map { 100 - $0 }
    table.entries[index].masterGroup = table.entries[index].masterGroup.map { 100 - $0 }
    table.entries[index].propagateFromGroup = table.entries[index].propagateFromGroup.map {
      100 - $0
    }
  }
  return table
}

private let first = MountTable(entries: [
  entry(1, below: 0, at: "/", source: "root"),
  entry(2, below: 1, at: "/a", device: 2, shared: 1, source: "t0"),
  entry(3, below: 2, at: "/a/b", device: 3, shared: 2, source: "t1"),
  entry(4, below: 1, at: "/c", device: 2, root: "/x", shared: 3, master: 1, source: "t0"),
  entry(5, below: 2, at: "/a", device: 4, source: "t2"),
  entry(6, below: 1, at: "/u", device: 5, unbindable: true, source: "t3"),
])
private let second = MountTable(entries: [
  entry(11, below: 10, at: "/", source: "root"),
  entry(12, below: 11, at: "/a", device: 2, shared: 1, source: "t0"),
  entry(13, below: 12, at: "/a/b", device: 3, master: 2, propagateFrom: 1, source: "t1"),
  entry(14, below: 11, at: "/c", device: 2, root: "/x", master: 3, source: "t0"),
])

private func both(_ left: MountTable, _ right: MountTable) -> [NamespaceTable] {
  [NamespaceTable(namespace: 0, table: left), NamespaceTable(namespace: 1, table: right)]
}

/// A comparison in which everything agrees.
private func agreeing(aspects: TableComparison.Aspects = []) -> TableComparison {
  var comparison = TableComparison(aspects: aspects)
  let differences = comparison.update(
    predicted: both(first, second), observed: both(translated(first), translated(second)))
  #expect(differences == [])
  return comparison
}

private func kinds(_ differences: [TableDifference]) -> Set<MountDifference.Kind> {
  Set(differences.flatMap { $0.mounts.map(\.kind) })
}

@Suite struct `table comparison` {
  @Test func `tables that differ in nothing but numbers agree`() {
    let comparison = agreeing()
    #expect(comparison.tally.tables == 2)
    #expect(comparison.tally.mounts == 10)
  }

  @Test func `lines in another order agree unless the order is asked for`() {
    var table = translated(first)
    table.entries.swapAt(1, 3)
    var comparison = TableComparison()
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: first)],
        observed: [NamespaceTable(namespace: 0, table: table)]) == [])
    comparison = TableComparison(aspects: .order)
    let differences = comparison.update(
      predicted: [NamespaceTable(namespace: 0, table: first)],
      observed: [NamespaceTable(namespace: 0, table: table)])
    #expect(kinds(differences) == [.wrongOrder])
    #expect(differences[0].mounts.count == 2)
  }

  @Test(arguments: 0..<10) func `every corruption of a single field is found`(line: Int) throws {
    typealias Corruption = (MountDifference.Kind, (inout MountTable.Entry) -> Void)
    let corruptions: [Corruption] = [
      (.wrongMount, { $0.id = 5555 }),
      (.wrongSuperblock, { $0.device.minor += 700 }),
      (.wrongSuperblock, { $0.device.major = 8 }),
      (.wrongRoot, { $0.root = "/elsewhere" }),
      (.wrongRoot, { $0.root += "//deleted" }),
      (.wrongMountpoint, { $0.mountpoint += "x" }),
      (.wrongAttributes, { $0.attributes.formSymmetricDifference(.noSetuid) }),
      (.wrongSharedGroup, { $0.sharedGroup = $0.sharedGroup == nil ? 50 : nil }),
      (.wrongSharedGroup, { $0.sharedGroup = 51 }),
      (.wrongMaster, { $0.masterGroup = $0.masterGroup == nil ? 52 : nil }),
      (.wrongMaster, { $0.masterGroup = 99 - ($0.masterGroup ?? 0) }),
      (.wrongPropagateFrom, { $0.propagateFromGroup = $0.propagateFromGroup == nil ? 53 : nil }),
      (.wrongUnbindable, { $0.isUnbindable.toggle() }),
      (.wrongFileSystemType, { $0.fileSystemType = "ramfs" }),
      (.wrongSource, { $0.source += "y" }),
    ]
    for (number, (kind, corrupt)) in corruptions.enumerated() {
      var comparison = agreeing()
      let namespace = line < 6 ? 0 : 1
      var table = translated(namespace == 0 ? first : second)
      corrupt(&table.entries[line < 6 ? line : line - 6])
      let differences = comparison.update(
        predicted: [], observed: [NamespaceTable(namespace: namespace, table: table)])
      let found = kinds(differences)
      #expect(
        found.contains(kind),
        "corruption \(number) of line \(line): \(found), \(differences.map(\.mounts))")
      #expect(differences.map(\.namespace) == [namespace])
      // What is right again is no difference: the wrong number was not learned.
      let repaired = translated(namespace == 0 ? first : second)
      #expect(
        comparison.update(
          predicted: [], observed: [NamespaceTable(namespace: namespace, table: repaired)]) == [])
    }
  }

  @Test func `a parent link to another mount of the same place is found`() {
    var comparison = agreeing()
    var table = translated(first)
    // /a/b hangs on the mount that covers /a instead of on the covered one.
    table.entries[2].parent = table.entries[4].id
    let differences = comparison.update(
      predicted: [], observed: [NamespaceTable(namespace: 0, table: table)])
    #expect(kinds(differences) == [.wrongParent])
    #expect(differences[0].mounts.count == 1)
  }

  @Test func `a stack in the wrong order reads as wrong parents`() {
    let stack = MountTable(entries: [
      entry(1, below: 0, at: "/"), entry(2, below: 1, at: "/s", device: 2, source: "low"),
      entry(3, below: 2, at: "/s", device: 3, source: "high"),
    ])
    var comparison = TableComparison()
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: stack)],
        observed: [NamespaceTable(namespace: 0, table: translated(stack))]) == [])
    var swapped = translated(stack)
    swapped.entries[1].parent = swapped.entries[2].id
    swapped.entries[2].parent = swapped.entries[0].id
    let differences = comparison.update(
      predicted: [], observed: [NamespaceTable(namespace: 0, table: swapped)])
    #expect(differences[0].mounts.map(\.kind) == [.wrongParent, .wrongParent])
  }

  @Test func `a missing and an extra mount are told from each other`() {
    var comparison = agreeing()
    var table = translated(first)
    let gone = table.entries.remove(at: 3)
    let differences = comparison.update(
      predicted: [], observed: [NamespaceTable(namespace: 0, table: table)])
    #expect(
      differences[0].mounts == [MountDifference(kind: .missingMount, place: .init(gone))])
    var other = agreeing()
    var longer = translated(second)
    longer.entries.append(entry(900, below: longer.entries[0].id, at: "/new", device: 900))
    let extra = other.update(
      predicted: [], observed: [NamespaceTable(namespace: 1, table: longer)])
    #expect(extra[0].mounts.map(\.kind) == [.extraMount])
  }

  @Test func `groups must correspond across namespaces, not only within one`() {
    var table = translated(second)
    table.entries[1].sharedGroup = 42
    table.entries[2].propagateFromGroup = 42
    var alone = TableComparison()
    #expect(
      alone.update(
        predicted: [NamespaceTable(namespace: 1, table: second)],
        observed: [NamespaceTable(namespace: 1, table: table)]) == [])
    var comparison = TableComparison()
    let differences = comparison.update(
      predicted: both(first, second), observed: both(translated(first), table))
    #expect(kinds(differences) == [.wrongSharedGroup, .wrongPropagateFrom])
    #expect(differences.map(\.namespace) == [1])
  }

  @Test func `two predicted groups that the kernel shows as one are found`() {
    let predicted = MountTable(entries: [
      entry(1, below: 0, at: "/"), entry(2, below: 1, at: "/a", shared: 1),
      entry(3, below: 1, at: "/b", shared: 2),
    ])
    var observed = translated(predicted)
    observed.entries[2].sharedGroup = observed.entries[1].sharedGroup
    var comparison = TableComparison()
    let differences = comparison.update(
      predicted: [NamespaceTable(namespace: 0, table: predicted)],
      observed: [NamespaceTable(namespace: 0, table: observed)])
    #expect(differences.flatMap(\.mounts).map(\.kind) == [.wrongSharedGroup])
  }

  @Test func `a mount that stays must keep its number, one that is replaced may take it over`() {
    var comparison = agreeing()
    // The engine says that mount 5 went and mount 7 came at the same place in one step.
    var predicted = first
    predicted.entries[4].id = 7
    predicted.entries[4].device.minor = 9
    var observed = translated(first)
    let kept = comparison.update(
      predicted: [NamespaceTable(namespace: 0, table: predicted)], observed: [])
    #expect(kinds(kept).contains(.wrongMount))
    var other = agreeing()
    observed.entries[4].id = 4444
    observed.entries[4].device.minor = 4445
    #expect(
      other.update(
        predicted: [NamespaceTable(namespace: 0, table: predicted)],
        observed: [NamespaceTable(namespace: 0, table: observed)]) == [])
  }

  @Test func `numbers are free again once their owner is gone`() {
    var comparison = agreeing()
    let short = MountTable(entries: Array(first.entries.prefix(4)))
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: short)],
        observed: [NamespaceTable(namespace: 0, table: translated(short))]) == [])
    // A new mount of the engine gets the kernel's number of the mount that went.
    var predicted = short
    predicted.entries.append(entry(70, below: 1, at: "/n", device: 70, shared: 70))
    var observed = translated(short)
    observed.entries.append(
      entry(
        translated(first).entries[4].id, below: observed.entries[0].id, at: "/n", device: 31,
        shared: 7))
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: predicted)],
        observed: [NamespaceTable(namespace: 0, table: observed)]) == [])
  }

  @Test func `an ended namespace takes its part of the correspondence with it`() {
    var comparison = agreeing()
    #expect(comparison.update(predicted: [], observed: [], ended: [1]) == [])
    #expect(comparison.namespaces == [0])
    // Group 77 of the kernel now stands for what the ended namespace alone had shown differently.
    var table = translated(second)
    for index in table.entries.indices { table.entries[index].id += 10_000 }
    for index in table.entries.indices { table.entries[index].parent += 10_000 }
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 1, table: second)],
        observed: [NamespaceTable(namespace: 1, table: table)]) == [])
  }

  @Test func `a namespace that only one side has is reported`() {
    var comparison = agreeing()
    let missing = comparison.update(
      predicted: [NamespaceTable(namespace: 2, table: second)], observed: [])
    #expect(missing.map(\.presence) == [.missingTable])
    var other = agreeing()
    let extra = other.update(
      predicted: [], observed: [NamespaceTable(namespace: 2, table: second)])
    #expect(extra.map(\.presence) == [.extraTable])
  }

  @Test func `children that show one mountpoint are matched by what they are`() {
    // Two directories of one name, one of them removed since: both mounts print the same mountpoint.
    let predicted = MountTable(entries: [
      entry(1, below: 0, at: "/"),
      entry(2, below: 1, at: "/d//deleted", device: 2, shared: 1, source: "one"),
      entry(3, below: 1, at: "/d//deleted", device: 3, shared: 2, source: "one"),
      entry(4, below: 3, at: "/d//deleted/x", device: 4, source: "inner"),
    ])
    var observed = translated(predicted)
    observed.entries.swapAt(1, 2)
    var comparison = TableComparison()
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: predicted)],
        observed: [NamespaceTable(namespace: 0, table: observed)]) == [])
    // Known mounts keep their partners even where the shapes would fit the other way round.
    let flat = MountTable(entries: Array(predicted.entries.prefix(3)))
    var flatObserved = translated(flat)
    flatObserved.entries.swapAt(1, 2)
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: flat)],
        observed: [NamespaceTable(namespace: 0, table: flatObserved)]) == [])
  }

  @Test func `a table with a cycle of parents ends as a difference`() {
    var comparison = agreeing()
    var table = translated(first)
    table.entries[1].parent = table.entries[2].id
    #expect(
      !comparison.update(predicted: [], observed: [NamespaceTable(namespace: 0, table: table)])
        .isEmpty)
  }

  @Test func `two mounts with one id are a difference`() {
    var comparison = agreeing()
    var table = translated(first)
    table.entries[5].id = table.entries[3].id
    #expect(
      !comparison.update(predicted: [], observed: [NamespaceTable(namespace: 0, table: table)])
        .isEmpty)
  }
}

@Suite struct `a divergence` {
  private func lostMount() -> Divergence {
    var comparison = agreeing()
    var table = translated(first)
    table.entries.remove(at: 3)
    table.entries[1].sharedGroup = nil
    let tables = comparison.update(
      predicted: [], observed: [NamespaceTable(namespace: 0, table: table)])
    return Divergence(
      step: 12, namespace: 1, operation: .umount2("/c", .detach), predictedErrno: .busy,
      observedErrno: .none, tables: tables)
  }

  @Test func `reads as a folded difference in the kernel's numbers`() {
    #expect(
      lostMount().description == """
        step 12, namespace 1: umount2 /c (detach)
          predicted EBUSY (device or resource busy), observed 0
          namespace 0 (- predicted, + observed)
            67  60 0:33 /  /    rw,relatime                     - tmpfs root
          - 74  67 0:36 /  /a   rw,relatime shared:99           - tmpfs t0
          + 74  67 0:36 /  /a   rw,relatime                     - tmpfs t0
            81  74 0:39 /  /a/b rw,relatime shared:98           - tmpfs t1
          - 88  67 0:36 /x /c   rw,relatime shared:97 master:99 - tmpfs t0
            95  74 0:42 /  /a   rw,relatime                     - tmpfs t2
            102 67 0:45 /  /u   rw,relatime unbindable          - tmpfs t3
            wrong group at /a (t0, root /): predicted shared:99, observed none
            missing mount /c (t0, root /x)
        """)
  }

  @Test func `has a signature without numbers and paths`() {
    #expect(
      lostMount().signature
        == "umount2(detach): predicted EBUSY, observed 0: missing mount, wrong group")
  }

  @Test func `survives JSON`() throws {
    let divergence = lostMount()
    let data = try JSONEncoder().encode(divergence)
    #expect(try JSONDecoder().decode(Divergence.self, from: data) == divergence)
  }
}
