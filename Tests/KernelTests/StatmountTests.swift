import CMount
import Glibc
import StormKernel
import StormVocabulary
import Testing

@Suite struct StatmountTests {
  @Test func `statmount and listmount show what mountinfo shows`() throws {
    var ids = [UInt64](repeating: 0, count: 4096)
    let count = nss_listmount(.max, 0, 0, &ids, ids.count)
    try #require(count > 0, "this kernel has no listmount (6.8)")
    let table = try MountTable(libmountFile: "/proc/self/mountinfo")
    let entries = Dictionary(uniqueKeysWithValues: table.entries.map { ($0.id, $0) })
    #expect(Int(count) == table.entries.count)
    let fields: [Int] = [
      NSS_STATMOUNT_SUPERBLOCK, NSS_STATMOUNT_MOUNT, NSS_STATMOUNT_PROPAGATE_FROM,
      NSS_STATMOUNT_ROOT, NSS_STATMOUNT_POINT, NSS_STATMOUNT_FILE_SYSTEM_TYPE,
    ]
    let mask = fields.reduce(UInt64(0)) { $0 | UInt64($1) }
    for id in ids[..<Int(count)] {
      var buffer = [UInt8](repeating: 0, count: 8192)
      let (result, status, strings) = buffer.withUnsafeMutableBytes { bytes in
        let head = bytes.assumingMemoryBound(to: nss_statmount.self).baseAddress
        let result = head.map { nss_statmount(id, 0, mask, $0, bytes.count) } ?? -1
        let size = MemoryLayout<nss_statmount>.size
        return (result, bytes.load(as: nss_statmount.self), Array(bytes[size...]))
      }
      #expect(result == 0)
      let entry = try #require(entries[UInt64(status.old_mount_id)])
      #expect(status.mount_id == id)
      #expect(UInt64(status.old_parent_id) == entry.parent)
      #expect(status.superblock_major == entry.device.major)
      #expect(status.superblock_minor == entry.device.minor)
      #expect(status.peer_group == UInt64(entry.sharedGroup ?? 0))
      #expect(status.master == UInt64(entry.masterGroup ?? 0))
      func text(_ offset: UInt32) -> String {
        String(decoding: strings[Int(offset)...].prefix { $0 != 0 }, as: UTF8.self)
      }
      #expect(text(status.root) == entry.root)
      #expect(text(status.point) == entry.mountpoint)
      #expect(entry.fileSystemType.hasPrefix(text(status.file_system_type)))
    }
  }

  @Test func `needs root: both observers show the same tables, wherever a process stands`() throws {
    try withSandbox { sandbox in
      try #require(Sandbox.statmountIsComplete, "this kernel has no complete statmount (6.13)")
      func tmpfs(_ name: PathArgument, _ place: PathArgument, _ flags: MountFlags = []) -> Operation
      {
        .mount(MountCall(type: "tmpfs", source: name, target: place, flags: flags))
      }
      for directory in ["/a", "/b", "/c d"] {
        try sandbox.expect(.none, .mkdir(.path(directory)), by: 0)
      }
      try sandbox.expect(.none, .touch("/f"), by: 0)
      try sandbox.expect(.none, .mount(MountCall(target: "/", flags: .shared)), by: 0)
      try sandbox.expect(
        .none, tmpfs("one two", "/a", [.readOnly, .noSetuid, .noAccessTime]), by: 0)
      try sandbox.expect(
        .none, tmpfs("x", "/c d", [.strictAccessTime, .noDirectoryAccessTime]), by: 0)
      try sandbox.expect(.none, .mkdir("/c d/in"), by: 0)
      try sandbox.expect(
        .none, .mount(MountCall(source: "/c d/in", target: "/b", flags: .bind)), by: 0)
      try sandbox.expect(.none, .rmdir("/c d/in"), by: 0)
      try sandbox.expect(.none, .mount(MountCall(target: "/b", flags: .unbindable)), by: 0)
      try sandbox.expect(.none, .mount(MountCall(source: "/f", target: "/f", flags: .bind)), by: 0)
      // A slave, one in a user namespace, one with a root of its own, one whose root was taken away, a visitor.
      for actor in 1...5 {
        try sandbox.expect(.none, .unshare(namespace: actor, newUser: actor == 2), by: 0)
      }
      try sandbox.expect(.none, .mount(MountCall(target: "/", flags: [.slave, .recursive])), by: 1)
      try sandbox.expect(.none, .mount(MountCall(target: "/c d", flags: .shared)), by: 1)
      try sandbox.expect(.none, .mkdir("/c d/deep"), by: 3)
      try sandbox.expect(.none, tmpfs("y", "/c d/deep"), by: 0)
      try sandbox.expect(.none, .chroot("/c d"), by: 3)
      try sandbox.expect(
        .none, .mount(MountCall(target: "/", flags: [.private, .recursive])), by: 4)
      try sandbox.expect(.none, .umount2("/", .detach), by: 4)
      try sandbox.expect(.none, .setns(1), by: 5)
      let actors = [0, 1, 2, 3, 4, 5]
      let lines = try #require(try sandbox.tables(of: actors).value)
      let statuses = try #require(try sandbox.statmountTables(of: actors).value)
      for actor in actors {
        #expect(statuses[actor].inShortNumbers == lines[actor], "actor \(actor)")
      }
      #expect(lines[3].entries.map(\.mountpoint) == ["/", "/deep"])
      #expect(lines[4].entries.isEmpty)
      #expect(lines[1].entries.count == lines[0].entries.count)
      // The observers hold nothing: with its process the namespace ends, and its number can be used again.
      try sandbox.expect(.none, .exit, by: 2)
      try sandbox.expect(.none, .unshare(namespace: 2, newUser: false), by: 0)
      try sandbox.expect(.none, .umount2("/c d/deep", []), by: 0)
      // Unique ids are never used again.
      let before = try #require(try sandbox.statmountTables(of: [0]).value)[0].table
      try sandbox.expect(.none, tmpfs("z", "/c d"), by: 0)
      let after = try #require(try sandbox.statmountTables(of: [0]).value)[0].table
      #expect(Set(after.entries.map(\.id)).isSuperset(of: before.entries.map(\.id)))
      #expect(after.entries.map(\.id).max() ?? 0 > before.entries.map(\.id).max() ?? 0)
    }
  }
}
