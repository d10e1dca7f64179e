import StormKernel
import StormVocabulary
import Testing

@Suite struct MountinfoParserTests {
  @Test func `all fields of a line are read`() throws {
    let table = try MountTable(
      mountinfo:
        "36 35 98:0 /mnt1 /mnt\\0402 ro,noatime master:1 propagate_from:7 - ext3 /dev/a\\134b ro,errors=continue\n"
    )
    #expect(
      table.entries == [
        MountTable.Entry(
          id: 36, parent: 35, device: DeviceNumber(major: 98, minor: 0), root: "/mnt1",
          mountpoint: "/mnt 2", attributes: [.readOnly, .noAccessTime], masterGroup: 1,
          propagateFromGroup: 7, fileSystemType: "ext3", source: "/dev/a\\b",
          superblockIsReadOnly: true)
      ])
  }

  @Test func `an empty file is an empty table`() throws {
    #expect(try MountTable(mountinfo: "").entries.isEmpty)
  }

  @Test(arguments: [
    ("1 2 0:5 / / rw - tmpfs t rw\nx", 2), ("1 2 0:5 / / rw - tmpfs t rw", 1),
    ("1 2 05 / / rw - tmpfs t rw\n", 1), ("1 2 0:5 / / rw tmpfs t rw\n", 1),
    ("99999999999999999999 2 0:5 / / rw - tmpfs t rw\n", 1),
    ("1 2 0:5 / / rw - tmpfs t xx\n", 1),
  ])
  func `a damaged line is refused with its number`(text: String, line: Int) throws {
    let error = #expect(throws: MountinfoError.self) { try MountTable(mountinfo: text) }
    #expect(error?.line == line)
  }
}
