import StormVocabulary

/// Says the engine's numbers in the kernel's, so that both sides of a difference can be read with one mountinfo in hand.
///
/// What the engine predicts and the kernel did not make has no number there: it is called `new1`, `new2`, …
struct NumberNames {
  let correspondences: Correspondences
  private var newMounts: [UInt64: Int] = [:]
  private var newDevices: [UInt64: Int] = [:]
  private var newGroups: [UInt64: Int] = [:]

  init(_ correspondences: Correspondences) {
    self.correspondences = correspondences
  }

  mutating func mount(_ number: UInt64) -> String {
    Self.name(number, correspondences.mounts, &newMounts)
  }

  mutating func group(_ number: UInt64) -> String {
    Self.name(number, correspondences.groups, &newGroups)
  }

  mutating func device(_ device: DeviceNumber) -> String {
    if let partner = correspondences.superblocks.observed(for: device.number),
      correspondences.superblocks.predicted(for: partner) == device.number
    {
      return DeviceNumber(
        major: UInt32(truncatingIfNeeded: partner >> 32), minor: UInt32(truncatingIfNeeded: partner)
      ).description
    }
    return Self.name(device.number, correspondences.superblocks, &newDevices)
  }

  private static func name(
    _ number: UInt64, _ correspondence: Correspondence, _ new: inout [UInt64: Int]
  ) -> String {
    if let partner = correspondence.observed(for: number),
      correspondence.predicted(for: partner) == number
    {
      return "\(partner)"
    }
    let ordinal = new[number] ?? new.count + 1
    new[number] = ordinal
    return "new\(ordinal)"
  }

  /// A line of mountinfo, in its columns.
  mutating func row(predicted entry: MountTable.Entry) -> [String] {
    var optional: [String] = []
    if let group = entry.sharedGroup { optional.append("shared:" + self.group(UInt64(group))) }
    if let group = entry.masterGroup { optional.append("master:" + self.group(UInt64(group))) }
    if let group = entry.propagateFromGroup {
      optional.append("propagate_from:" + self.group(UInt64(group)))
    }
    // The parent of the topmost mount is in no table, so it has no counterpart and no name.
    let parent =
      correspondences.mounts.observed(for: entry.parent) == nil && newMounts[entry.parent] == nil
      ? "·" : mount(entry.parent)
    return Self.columns(
      entry, id: mount(entry.id), parent: parent, device: device(entry.device), optional)
  }

  func row(observed entry: MountTable.Entry) -> [String] {
    var optional: [String] = []
    if let group = entry.sharedGroup { optional.append("shared:\(group)") }
    if let group = entry.masterGroup { optional.append("master:\(group)") }
    if let group = entry.propagateFromGroup { optional.append("propagate_from:\(group)") }
    return Self.columns(
      entry, id: "\(entry.id)", parent: "\(entry.parent)", device: entry.device.description,
      optional)
  }

  private static func columns(
    _ entry: MountTable.Entry, id: String, parent: String, device: String, _ optional: [String]
  ) -> [String] {
    let words = optional + (entry.isUnbindable ? ["unbindable"] : [])
    var options = entry.attributes.options
    if let isReadOnly = entry.superblockIsReadOnly { options += isReadOnly ? " (sb ro)" : "" }
    return [
      id, parent, device, entry.root, entry.mountpoint, options, words.joined(separator: " "),
      "- \(entry.fileSystemType) \(entry.source)",
    ]
  }
}

/// Rows of a difference, their columns made equally wide.
struct TableLines {
  let lines: [TableDifference.Line]

  /// A single long path must not push all other lines off the screen.
  private static let widestColumn = 40

  init(_ rows: [(side: TableDifference.Line.Side, columns: [String])]) {
    var widths: [Int] = []
    for row in rows {
      for (index, column) in row.columns.enumerated() {
        if index == widths.count { widths.append(0) }
        widths[index] = max(widths[index], min(column.count, Self.widestColumn))
      }
    }
    lines = rows.map { row in
      let cells = row.columns.enumerated().map { index, column in
        index == row.columns.count - 1
          ? column
          : column + String(repeating: " ", count: max(0, widths[index] - column.count))
      }
      return TableDifference.Line(row.side, cells.joined(separator: " "))
    }
  }
}
