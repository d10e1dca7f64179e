import Foundation
import Testing

@testable import StormReport

@Suite struct LogDecoderTests {
  private static let map = """
    ffffffff81000000 T _stext
    ffffffff81234500 t umount_tree
    ffffffff81234500 t alias_of_umount_tree
    ffffffff81234800 T path_umount
    ffffffff81234a00 D some_data
    ffffffff81234b00 T do_umount\t[vfs]
    """

  @Test func `addresses become functions with offset and length`() throws {
    let symbols = try #require(SymbolTable(listing: Self.map, source: "map"))
    let decoder = LogDecoder(symbols: symbols)
    #expect(
      decoder.decode([
        "RIP: 0010:ffffffff8123452a", " [<ffffffff81234810>] ? 0xffffffff81234b04",
        "R12: ffff888100000000", "ends with ffffffff812345001",
      ]) == [
        "RIP: 0010:umount_tree+0x2a/0x300", " path_umount+0x10/0x300 ? do_umount+0x4",
        "R12: ffff888100000000", "ends with ffffffff812345001",
      ])
  }

  @Test func `a kernel that hides its addresses has no symbols`() {
    #expect(SymbolTable(listing: "0000000000000000 T _stext\n", source: "map") == nil)
    let notes = LogDecoder(symbols: nil).notes
    #expect(
      notes.contains { $0.contains("--system-map") } && notes.contains { $0.contains("--vmlinux") })
  }

  @Test func `an image with debug information gives file and line`() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-vmlinux-\(UUID().uuidString)")
    let source = folder.appendingPathComponent("tree/fs/namespace.c")
    try FileManager.default.createDirectory(
      at: source.deletingLastPathComponent(), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("\n\nint path_umount(int x)\n{\n\treturn x * 3 + 1;\n}\n".utf8).write(to: source)
    let image = folder.appendingPathComponent("vmlinux").path
    let build = try Tools.run(
      [
        "gcc", "-g", "-O0", "-nostdlib", "-static", "-Wl,-Ttext=0x10000000", "-Wl,-e,path_umount",
        source.path, "-o", image,
      ])
    try #require(build.status == 0, "\(build.output)")
    let decoder = LogDecoder(symbols: nil, vmlinux: image)
    let lines = decoder.decode([" ? path_umount+0x4/0x20", " unknown_function+0x4/0x20"])
    #expect(
      lines.first?.wholeMatch(of: /\ \? path_umount\+0x4\/0x20 \(fs\/namespace\.c:[3-5]\)/) != nil,
      "\(lines)")
    #expect(lines.last == " unknown_function+0x4/0x20")
  }
}
