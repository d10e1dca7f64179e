import Foundation
import StormEngine
import StormKernel
import StormPlanning
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@testable import StormReproduction

/// Divergences of this kernel, made smaller on it. The known issue with lost `unbindable` is real on 6.17 to 7.1; on other
/// kernels the rules are turned round, so that the same call diverges.
@Suite struct ShrinkTests {
  private static func profile(_ name: String) throws -> Profile {
    let clone = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try ProfileLibrary(folders: [clone.appendingPathComponent("profiles").path])
      .load(name)
  }

  /// Two thousand calls of a storm, none of which makes anything unbindable, then three that show the issue.
  private func longStorm() throws -> [NumberedCall] {
    let plan = try Plan(profile: try Self.profile("first-storm"), seed: Seed("5"))
    var steps = plan.steps.filter { !$0.operation.makesUnbindable }.prefix(1_997).map {
      (actor: $0.actor, operation: $0.operation)
    }
    steps.append((0, .mkdir("/late")))
    steps.append((0, .mount(MountCall(target: "/", flags: .unbindable))))
    steps.append((0, .unshare(namespace: 90_000, newUser: false)))
    return steps.enumerated().map {
      NumberedCall(number: $0.offset, namespace: $0.element.actor, operation: $0.element.operation)
    }
  }

  @Test func `needs root: a divergence after 2,000 calls ends at the two that it needs`() throws {
    try requireRoot()
    var settings = try settings(try runningRelease())
    // What this kernel does is predicted wrongly, whichever of the two it does.
    let losesUnbindable = KnownIssue.catalogue.contains {
      $0.id == "unbindable-lost-in-namespace-copy" && $0.affects(settings.release)
    }
    settings.rules.copiesKeepUnbindable = losesUnbindable
    let result = try Shrinker(settings).shrink(
      try longStorm(),
      symptom: losesUnbindable
        ? .knownIssue("unbindable-lost-in-namespace-copy")
        : try Symptom("unshare: wrong unbindable"))
    #expect(result.callsBefore == 2_000)
    #expect(
      result.calls.map(\.operation) == [
        .mount(MountCall(target: "/", flags: .unbindable)), .unshare(namespace: 1, newUser: false),
      ], "\(result.scenarioLines)")
    #expect(result.isMinimal && result.rateAfter.successes == result.rateAfter.trials)
    #expect(result.steps.count == 2)
  }

  #if DEBUG
    @Test(arguments: [Mutation.overmountIsObstacle, .slaveCopyIsPeer])
    func `needs root: taking any one call away from the result loses the symptom`(
      rule: Mutation
    ) throws {
      try requireRoot()
      let calls = try Plan(profile: try Self.profile("propagation")).steps.prefix(300).enumerated()
        .map {
          NumberedCall(
            number: $0.offset, namespace: $0.element.actor, operation: $0.element.operation)
        }
      var settings = try settings(try runningRelease())
      settings.brokenRule = rule
      let result = try Shrinker(settings).shrink(Array(calls), symptom: nil)
      #expect(result.isMinimal && result.calls.count <= 12, "\(result.scenarioLines)")
      settings.readsEverything = true
      settings.explains = false
      let whole = try SequenceRun(settings).run(result.calls)
      #expect(whole.divergences.first.map { result.symptom.matches($0.divergence) } == true)
      for index in result.calls.indices {
        var fewer = result.calls
        fewer.remove(at: index)
        let filter = FeasibilityFilter(
          settings: settings, symptom: result.symptom, divergence: result.found.divergence)
        guard let feasible = filter.feasible(fewer) else { continue }
        let outcome = try SequenceRun(settings).run(feasible)
        #expect(
          outcome.divergences.first.map { result.symptom.matches($0.divergence) } != true,
          "still there without \(result.scenarioLines[index])")
      }
    }
  #endif

  @Test func `needs root: a symptom that does not show is said not to, with what showed instead`()
    throws
  {
    try requireRoot()
    let settings = try settings(try runningRelease())
    let calls = [NumberedCall(number: 0, namespace: 0, operation: .mkdir("/a"))]
    #expect(throws: Shrinker.Failure.self) {
      try Shrinker(settings).shrink(calls, symptom: try Symptom("mkdir: predicted EIO, observed 0"))
    }
    #expect(throws: Shrinker.Failure.self) { try Shrinker(settings).shrink(calls, symptom: nil) }
  }

  @Test(arguments: [(10, 10, 1), (15, 30, 6), (3, 30, 38), (1, 100, 100)])
  func `a symptom that shows now and then gets so many runs that it is hardly missed`(
    shown: Int, of trials: Int, runs: Int
  ) {
    #expect(
      ShrinkPass.runsNeeded(ReproductionRate(successes: shown, trials: trials)) == runs)
  }

  @Test func `numbers of namespaces that were used again become different ones`() {
    let made: [(Int, StormVocabulary.Operation)] = [
      (0, .unshare(namespace: 1, newUser: false)), (1, .exit),
      (0, .unshare(namespace: 1, newUser: false)), (1, .mkdir("/a")), (0, .setns(1)),
    ]
    let calls = made.enumerated().map {
      NumberedCall(number: $0.offset, namespace: $0.element.0, operation: $0.element.1)
    }
    let renumbered = CallRewriting.renumbered(calls)
    #expect(renumbered.map(\.namespace) == [0, 1, 0, 2, 0])
    #expect(renumbered[2].operation == .unshare(namespace: 2, newUser: false))
    #expect(renumbered[4].operation == .setns(2))
  }
}

extension StormVocabulary.Operation {
  fileprivate var makesUnbindable: Bool {
    switch self {
    case .mount(let call): call.flags.contains(.unbindable)
    case .mountSetattr(_, _, .propagation(.unbindable)): true
    default: false
    }
  }
}
