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
}
