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

  @Test func `every field of the rules has its switch`() {
    let fields = Mirror(reflecting: KernelRules.newest).children.compactMap(\.label)
    #expect(Set(fields) == Set(RuleSwitch.all.map(\.id)))
    #expect(fields.count == RuleSwitch.all.count)
  }
}
