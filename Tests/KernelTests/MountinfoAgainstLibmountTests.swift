import Glibc
import StormKernel
import StormVocabulary
import Testing

@Suite struct MountinfoAgainstLibmountTests {
  @Test func `the machine's own table reads the same as through libmount`() throws {
    let text = try #require(contents(of: "/proc/self/mountinfo"))
    #expect(try MountTable(mountinfo: text) == MountTable(libmountFile: "/proc/self/mountinfo"))
  }

  @Test func `ten thousand tables read the same as through libmount`() throws {
    for seed in 0..<10_000 {
      var generator = SeededGenerator(seed: UInt64(seed) | 1 << 40)
      let text = (0..<(seed % 7)).map { _ in line(&generator) }.joined()
      let file = memfd(text)
      defer { close(file) }
      let ours = try MountTable(mountinfo: text)
      let theirs = try MountTable(libmountFile: "/proc/self/fd/\(file)")
      try #require(ours == theirs, "seed \(seed): \(text)")
    }
  }

  @Test(arguments: 0..<200)
  func `tables of all shapes read the same as through libmount`(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let text = (0..<(seed % 40)).map { _ in line(&generator) }.joined()
    let file = memfd(text)
    defer { close(file) }
    let ours = try MountTable(mountinfo: text)
    let theirs = try MountTable(libmountFile: "/proc/self/fd/\(file)")
    #expect(ours.entries.count == seed % 40)
    for (own, other) in zip(ours.entries, theirs.entries) { #expect(own == other) }
    #expect(ours.entries.count == theirs.entries.count)
  }

  private func line(_ generator: inout SeededGenerator) -> String {
    let id = generator.next(below: 1 << 30)
    var fields = ["\(id) \(generator.next(below: 1 << 30)) "]
    fields[0] += "\(generator.next(below: 4096)):\(generator.next(below: 1 << 20))"
    fields.append(path(&generator))
    fields.append(path(&generator) + (generator.chance(0.1) ? "//deleted" : ""))
    let words = ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"]
    let options = words.dropFirst().filter { _ in generator.chance(0.3) }
    fields.append((["\(generator.chance(0.5) ? "rw" : "ro")"] + options).joined(separator: ","))
    if generator.chance(0.4) { fields.append("shared:\(generator.next(below: 9999) + 1)") }
    if generator.chance(0.4) { fields.append("master:\(generator.next(below: 9999) + 1)") }
    if generator.chance(0.2) { fields.append("propagate_from:\(generator.next(below: 9999) + 1)") }
    if generator.chance(0.2) { fields.append("unbindable") }
    let types = ["tmpfs", "ext4", "fuse.some-thing", "overlay"]
    fields.append("- \(types[generator.next(below: types.count)])")
    fields.append(String(path(&generator).dropFirst(generator.chance(0.5) ? 1 : 0)))
    fields.append(generator.chance(0.5) ? "rw,size=65536k,mode=755" : "ro")
    return fields.joined(separator: " ") + "\n"
  }

  private func path(_ generator: inout SeededGenerator) -> String {
    let pieces = [
      "a", "b c", "tab\there", "line\nfeed", "back\\slash", "äöü", "x.y-z", "日本", "\\040",
    ]
    let names = (0..<(1 + generator.next(below: 4))).map { _ in
      pieces[generator.next(below: pieces.count)]
    }
    return "/" + names.map(escape).joined(separator: "/")
  }

  // As the kernel's mangle() writes names.
  private func escape(_ name: String) -> String {
    name.replacing("\\", with: "\\134").replacing(" ", with: "\\040")
      .replacing("\t", with: "\\011").replacing("\n", with: "\\012")
  }

  private func memfd(_ text: String) -> Int32 {
    let file = open("/dev/shm", 0o20000000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      precondition(count > 0, "writing to an unnamed file failed")
      offset += count
    }
    lseek(file, 0, SEEK_SET)
    return file
  }

  private func contents(of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var text: [UInt8] = []
    while case let byte = getc(file), byte != EOF { text.append(UInt8(byte)) }
    return String(decoding: text, as: UTF8.self)
  }
}
