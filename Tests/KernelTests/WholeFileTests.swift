import Foundation
import Glibc
import StormKernel
import StormVocabulary
import Testing

@Suite struct WholeFileTests {
  /// A folder of this test's own, and what stands in it afterwards.
  private func withFolder(_ work: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "nsstorm-whole-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try work(folder)
  }

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func `a file is made, replaced, and nothing stands beside it`() throws {
    try withFolder { folder in
      let path = "\(folder)/result.json"
      try WholeFile.write("one", to: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "one")
      try WholeFile.write([UInt8]("two and more".utf8), to: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "two and more")
      #expect(try names(in: folder) == ["result.json"])
    }
  }

  @Test func `who has the old file open goes on reading the old content`() throws {
    try withFolder { folder in
      let path = "\(folder)/f"
      try WholeFile.write("old", to: path)
      let reader = try #require(FileHandle(forReadingAtPath: path))
      defer { try? reader.close() }
      try WholeFile.write("new", to: path)
      #expect(try reader.readToEnd() == Data("old".utf8))
    }
  }

  @Test func `a link stays a link, and a file keeps its mode`() throws {
    try withFolder { folder in
      try WholeFile.write("x", to: "\(folder)/real")
      chmod("\(folder)/real", 0o600)
      symlink("real", "\(folder)/link")
      try WholeFile.write("y", to: "\(folder)/link")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "real")
      #expect(try String(contentsOfFile: "\(folder)/real", encoding: .utf8) == "y")
      var status = stat()
      #expect(stat("\(folder)/real", &status) == 0)
      #expect(status.st_mode & 0o7777 == 0o600)
    }
  }

  @Test func `a device is written to and not replaced`() throws {
    try withFolder { folder in
      let path = "\(folder)/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let end = open(path, O_RDONLY | O_NONBLOCK)
      defer { close(end) }
      try WholeFile.write("through", to: path)
      var bytes = [UInt8](repeating: 0, count: 16)
      #expect(read(end, &bytes, bytes.count) == 7)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & S_IFMT == S_IFIFO)
    }
  }

  @Test func `a folder that is not there is named with the reason`() throws {
    try withFolder { folder in
      let path = "\(folder)/none/f"
      let expected = WholeFileError(
        step: "open the folder of", path: path, errno: .noSuchEntry)
      #expect(throws: expected) { try WholeFile.write("x", to: path) }
      let left = try names(in: folder)
      #expect(left == [])
    }
  }

  @Test func `what cannot take the name leaves the old content and no part`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: "\(folder)/taken", withIntermediateDirectories: false)
      #expect(throws: WholeFileError.self) { try WholeFile.write("x", to: "\(folder)/taken") }
      #expect(try names(in: folder) == ["taken"])
    }
  }
}
