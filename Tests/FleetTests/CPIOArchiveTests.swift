import StormFleet
import Testing

@Suite struct CPIOArchiveTests {
  /// Header fields of `newc`, read independently of the writer.
  private struct Member: Equatable {
    var name: String
    var mode: Int
    var content: String
  }

  private func members(_ bytes: [UInt8]) throws -> [Member] {
    var found: [Member] = []
    var place = 0
    while true {
      #expect(place % 4 == 0)
      let header = String(decoding: bytes[place..<place + 110], as: UTF8.self)
      #expect(header.hasPrefix("070701"))
      func field(_ number: Int) throws -> Int {
        try #require(Int(header.dropFirst(6 + 8 * number).prefix(8), radix: 16))
      }
      let nameBytes = try field(11)
      let start = place + 110
      let name = String(decoding: bytes[start..<start + nameBytes - 1], as: UTF8.self)
      #expect(bytes[start + nameBytes - 1] == 0)
      let content = (start + nameBytes + 3) / 4 * 4
      let size = try field(6)
      if name == "TRAILER!!!" { return found }
      found.append(
        Member(
          name: name, mode: try field(1),
          content: String(decoding: bytes[content..<content + size], as: UTF8.self)))
      place = (content + size + 3) / 4 * 4
    }
  }

  @Test func `what is written is read back, directories before what they hold`() throws {
    var archive = CPIOArchive()
    archive.add(file: "/bin/tool", permissions: 0o755, content: Array("#!x".utf8))
    archive.add(file: "/bin/other", content: [])
    archive.add(link: "/init", to: "bin/tool")
    archive.finish()
    #expect(
      try members(archive.bytes) == [
        Member(name: "bin", mode: 0o040755, content: ""),
        Member(name: "bin/tool", mode: 0o100755, content: "#!x"),
        Member(name: "bin/other", mode: 0o100644, content: ""),
        Member(name: "init", mode: 0o120777, content: "bin/tool"),
      ])
  }

  @Test func `a device carries its numbers`() {
    var archive = CPIOArchive()
    archive.add(characterDevice: "console", major: 5, minor: 1)
    let header = String(decoding: archive.bytes[0..<110], as: UTF8.self)
    #expect(header.dropFirst(6 + 8 * 9).prefix(16) == "0000000500000001")
  }
}
