import StormEngine
import StormVocabulary
import Testing

@testable import StormVerdict

@Suite struct WindowPartitionTests {
  /// Private mounts `/s` with directories `a`, `b`, `c`.
  private func makeModel(_ more: Operation...) -> MountModel {
    var model = MountModel(rules: .newest)
    for operation: Operation in [
      .mkdir("/s"), tmpfs("base", "/s"), .mkdir("/s/a"), .mkdir("/s/b"), .mkdir("/s/c"),
    ] + more { must(operation, &model) }
    return model
  }

  /// The calls of each part, as a set of sets; empty where all stay together.
  private func parts(
    _ operations: [Operation], _ model: borrowing MountModel
  ) -> Set<Set<Int>> {
    let calls = operations.enumerated().map { call($0.offset, $0.element, .none, 10, 20) }
    let window = ContendedWindow(calls: calls, tables: nil)
    let partition = WindowPartition(of: [window], startingFrom: model)
    return Set(partition.parts.map { Set($0.calls[0]) })
  }

  private let bind = Operation.mount(MountCall(source: "/s/a", target: "/s/b", flags: .bind))

  @Test func `calls on different places fall apart, those above each other stay together`() {
    let found = parts(
      [.umount2("/s/a", []), .stat("/s/a/x"), tmpfs("t", "/s/b"), .umount2("/s/c", [])], makeModel()
    )
    #expect(found == [[0, 1], [2], [3]])
    #expect(parts([.umount2("/s/a", []), .umount2("/s", [])], makeModel()).isEmpty)
  }

  @Test func `a bind or a move joins its two places`() {
    #expect(
      parts([bind, .umount2("/s/a", []), .umount2("/s/b", []), .stat("/s/c")], makeModel())
        == [[0, 1, 2], [3]])
  }

  @Test func `what a bind has made one stays one, and nothing else with it`() {
    // The bind shows the base's directory a at b: both are one place, c is not.
    let found = parts(
      [.mkdir("/s/a/x"), .mkdir("/s/b/x"), .mkdir("/s/c/x")], makeModel(bind))
    #expect(found == [[0, 1], [2]])
  }

  @Test func `a descriptor belongs to the place that it was opened on`() {
    let model = makeModel(tmpfs("t", "/s/a"), .open("/s/a", .path, 1))
    #expect(
      parts([.close(1), .umount2("/s/a", []), .umount2("/s/b", [])], model) == [[0, 1], [2]])
    // Opened in the window itself.
    #expect(
      parts([.open("/s/b", .path, 2), .close(2), .stat("/s/c")], model) == [[0, 1], [2]])
  }

  @Test func `a descriptor of what is mounted nowhere belongs to no place`() {
    let model = makeModel(
      tmpfs("t", "/s/a"), .open("/s/a", .path, 1), .umount2("/s/a", .detach))
    #expect(parts([.close(1), .umount2("/s/a", [])], model) == [[0], [1]])
  }

  @Test func `what a path's text does not tell keeps all together`() {
    let calls: [Operation] = [.umount2("/s/a", []), .umount2("/s/b", [])]
    #expect(parts(calls, makeModel()).count == 2)
    #expect(parts(calls, makeModel(.symlink(contents: "/s/b", at: "/s/a/l"))).isEmpty)
    #expect(parts(calls, makeModel(.chroot("/s"))).isEmpty)
    #expect(parts(calls + [.stat("/s/a/../b")], makeModel()).isEmpty)
    #expect(parts(calls + [.exit], makeModel()).isEmpty)
    #expect(parts(calls + [.stat(.relative(1, "x"))], makeModel()).isEmpty)
  }
}
