import StormEngine
import StormScenario
import StormVocabulary
import Testing

@Suite struct RuleSwitchTests {
  static let withExample = RuleSwitch.all.filter { $0.example != nil }.map(\.id)

  @Test(arguments: withExample)
  func `the example of a rule tells its two values apart`(id: String) throws {
    let rule = try #require(RuleSwitch.all.first { $0.id == id })
    let yes = try #require(try rule.transcript(.newest, value: true))
    let no = try #require(try rule.transcript(.newest, value: false))
    #expect(yes != no)
    #expect(!yes.isEmpty)
  }

  /// What `dump C` shows of two survivors, as guests of these kernels showed it.
  @Test(arguments: [
    (KernelRelease(5, 10, 223), ["over-x", "over-y"]),
    (KernelRelease(6, 1, 192), ["over-x", "over-y"]),
    (KernelRelease(6, 12, 107), ["over-y", "over-x"]),
    (KernelRelease(7, 3, 4), ["over-y", "over-x"]),
  ])
  func `survivors of one umount stand in the order that their kernel gives them`(
    release: KernelRelease, expected: [String]
  ) throws {
    let rule = try #require(RuleSwitch.all.first { $0.id == "umountListsLastFirst" })
    let rules = try #require(KernelRules.actual(release: release))
    let lines = try #require(try rule.transcript(rules, value: rules[keyPath: rule.field]))
    let order = lines.compactMap { line in expected.first { line.contains("[\($0):") } }
    #expect(order == expected, "\(lines)")
  }

  /// What the first walk and the umount of an automount answer in a namespace of other users.
  @Test(arguments: [
    (KernelRelease(5, 10, 223), "OK", "EINVAL"), (KernelRelease(6, 1, 192), "OK", "EINVAL"),
    (KernelRelease(6, 12, 107), "ELOOP", "EINVAL"), (KernelRelease(7, 3, 4), "OK", "OK"),
  ])
  func `automounts of other users appear and go as their kernel lets them`(
    release: KernelRelease, walk: String, umount: String
  ) throws {
    let rules = try #require(KernelRules.actual(release: release))
    var run = ScenarioRun(world: EngineWorld(rules: rules, inheritsFiles: false))
    let scenario = try ScenarioParser(file: "test").parse(
      line:
        "-mkdir /d; -mountfs debugfs d /d; -nsuser U; @U stat - /d/tracing/.; @U umount /d/tracing")
    let lines = try run.run(scenario).lines
    #expect(lines.contains { $0.contains("stat - /d/tracing/. -> \(walk)") }, "\(lines)")
    #expect(lines.contains { $0.hasSuffix("umount /d/tracing -> \(umount)") }, "\(lines)")
  }

  @Test func `every field of the rules has its switch`() {
    let fields = Mirror(reflecting: KernelRules.newest).children.compactMap(\.label)
    #expect(Set(fields) == Set(RuleSwitch.all.map(\.id)))
    #expect(fields.count == RuleSwitch.all.count)
  }
}
