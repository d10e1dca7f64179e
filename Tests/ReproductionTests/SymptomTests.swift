import StormEngine
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@Suite struct SymptomTests {
  @Test(arguments: [
    "unshare: wrong unbindable [namespaceCopied]", "unshare: wrong unbindable",
    "known:unbindable-lost-in-namespace-copy",
    "umount2(detach): predicted EBUSY, observed 0: extra mount", "tables: missing table",
    "mount(bind,rec): predicted EINVAL, observed 0 [copyOfUnbindable]",
  ])
  func `a symptom's text is read as it is written`(text: String) throws {
    #expect(try "\(Symptom(text))" == text)
  }

  @Test(arguments: [
    "known:no-such-issue", "unshare", "unshare: wrong unbindable [noSuchRule]", "", ": x", "a b: c",
  ])
  func `what is no symptom is refused with what is allowed`(text: String) {
    #expect(throws: SymptomProblem.self) { try Symptom(text) }
  }

  @Test func `a symptom is its own divergence's and no other's`() throws {
    var divergence = Divergence(
      step: 3, namespace: 1, operation: .umount2("/a", .detach), predictedErrno: .busy,
      observedErrno: .none)
    divergence.rule = Rule.umountBusy.name
    let symptom = Symptom(divergence)
    #expect(symptom.matches(divergence))
    var other = divergence
    other.rule = Rule.umountLocked.name
    #expect(!symptom.matches(other))
    #expect(try Symptom(divergence.signature).matches(other), "without a rule any rule will do")
    let answer = Divergence(
      step: 3, namespace: 1, operation: .umount2("/a", .detach), predictedErrno: .invalidArgument,
      observedErrno: .none)
    #expect(!symptom.matches(answer))
    divergence.knownIssues = ["busy-chain-torn-out"]
    #expect(Symptom.knownIssue("busy-chain-torn-out").matches(divergence))
    #expect(!Symptom.knownIssue("tucked-cover-locked").matches(divergence))
  }

  @Test func `a divergence names the rule that refused, or that touched the mount`() {
    var check = StepCheck(rules: .newest, initialTable: oneTmpfs)
    _ = check.begin(oneTmpfs)
    let refused = check.judge(
      ObservedStep(
        number: 0, namespace: 0, operation: .umount2("/none", .detach), result: .busy))
    #expect(refused?.rule == Rule.nameNotFound.name, "\(refused as Any)")
    let table = check.judge(
      ObservedStep(
        number: 1, namespace: 0, operation: .mount(MountCall(target: "/", flags: .shared)),
        result: .none))
    #expect(table?.rule == Rule.becomesShared.name, "\(table as Any)")
  }

  private var oneTmpfs: MountTable {
    MountTable(entries: [
      MountTable.Entry(
        id: 7, parent: 1, device: DeviceNumber(major: 0, minor: 30), root: "/", mountpoint: "/",
        attributes: .relativeAccessTime, fileSystemType: "tmpfs", source: "root")
    ])
  }
}
