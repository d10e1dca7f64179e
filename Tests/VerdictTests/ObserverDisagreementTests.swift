import StormVerdict
import StormVocabulary
import Testing

@Suite struct ObserverDisagreementTests {
  private func table(_ change: (inout MountTable) -> Void = { _ in }) -> MountTable {
    func entry(_ id: UInt64, _ parent: UInt64, _ place: String) -> MountTable.Entry {
      MountTable.Entry(
        id: id, parent: parent, device: DeviceNumber(major: 0, minor: UInt32(id)), root: "/",
        mountpoint: place, attributes: .relativeAccessTime, fileSystemType: "tmpfs", source: "t")
    }
    var table = MountTable(entries: [entry(1, 0, "/"), entry(2, 1, "/a"), entry(3, 1, "/b")])
    change(&table)
    return table
  }

  private func signature(_ other: MountTable) -> String {
    Divergence(
      step: 4, namespace: 0, operation: .mkdir("/x"), answer: .none,
      disagreements: [
        ObserverDisagreement(namespace: 2, mountinfo: table(), statmount: other)
      ]
    ).signature
  }

  @Test func `the signature says what the observers contradict each other in`() {
    #expect(
      signature(table { $0.entries[1].source = "u" }) == "mountinfo and statmount: wrong source")
    #expect(
      signature(table { $0.entries.remove(at: 2) }) == "mountinfo and statmount: missing mount")
    #expect(
      signature(table { $0.entries[2].sharedGroup = 7 }) == "mountinfo and statmount: wrong group")
    #expect(signature(table { $0.entries.swapAt(1, 2) }) == "mountinfo and statmount: wrong order")
    #expect(
      signature(table { $0.entries[2].id = 9 })
        == "mountinfo and statmount: missing mount, extra mount")
  }

  @Test func `the report names the observers and not the engine`() {
    let divergence = Divergence(
      step: 4, namespace: 0, operation: .mkdir("/x"), answer: .none,
      disagreements: [
        ObserverDisagreement(
          namespace: 2, mountinfo: table(), statmount: table { $0.entries[1].root = "/r" })
      ])
    let text = "\(divergence)"
    #expect(text.contains("contradict each other"))
    #expect(text.contains("namespace 2 (- mountinfo, + statmount)"))
    #expect(!text.contains("predicted, + observed"))
  }

  @Test func `query issues affect the releases between their call and their fix`() throws {
    let wraps = try #require(QueryIssue.catalogue.first { $0.id == "listmount-cursor-wraps" })
    #expect(wraps.affects(KernelRelease(6, 18, 44)))
    #expect(!wraps.affects(KernelRelease(6, 12, 117)) && wraps.affects(KernelRelease(6, 12, 116)))
    #expect(!wraps.affects(KernelRelease(7, 3, 4)) && !wraps.affects(KernelRelease(6, 6)))
  }
}
