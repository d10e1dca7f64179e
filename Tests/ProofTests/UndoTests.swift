import Foundation
import StormEngine
import StormPlanning
import StormVocabulary
import Testing

/// Properties of the engine on the plans that storms are made of.
@Suite struct UndoTests {
  static let releases = [
    KernelRelease(5, 10, 223), KernelRelease(6, 1, 176), KernelRelease(6, 12, 107),
    KernelRelease(6, 18, 44), KernelRelease(7, 3, 4),
  ]

  /// A plan of the propagation profile, small enough for a debug build.
  static func steps(seed: UInt64, count: Int) throws -> [PlannedStep] {
    let library = ProfileLibrary(folders: [Material.root.appending(path: "profiles").path()])
    let profile = try library.load("propagation")
    var generator = try PlanGenerator(profile: profile, seed: Seed(rawValue: seed))
    var steps: [PlannedStep] = []
    while steps.count < count, let item = generator.next() {
      if case .step(let step) = item { steps.append(step) }
    }
    return steps
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `a rollback restores everything, and the same call does the same again`(seed: UInt64) throws
  {
    var model = MountModel(rules: .newest)
    for step in try Self.steps(seed: seed, count: 400) {
      let before = Material.appearance(of: model)
      let checkpoint = model.checkpoint()
      let first = model.perform(step.operation, by: step.actor)
      let after = Material.appearance(of: model)
      model.rollback(to: checkpoint)
      #expect(Material.appearance(of: model) == before, "\(step.operation)")
      #expect(model.violatedInvariants() == [], "after the rollback of \(step.operation)")
      #expect(model.perform(step.operation, by: step.actor) == first)
      #expect(Material.appearance(of: model) == after, "\(step.operation)")
      model.discardCheckpoints()
    }
  }

  @Test func `a rollback over many calls ends where it began`() throws {
    var model = MountModel(rules: .newest)
    let steps = try Self.steps(seed: 7, count: 600)
    for step in steps.prefix(200) { _ = model.perform(step.operation, by: step.actor) }
    let outer = model.checkpoint()
    let before = Material.appearance(of: model)
    for step in steps[200..<400] { _ = model.perform(step.operation, by: step.actor) }
    let inner = model.checkpoint()
    let between = Material.appearance(of: model)
    for step in steps[400...] { _ = model.perform(step.operation, by: step.actor) }
    model.rollback(to: inner)
    #expect(Material.appearance(of: model) == between)
    model.rollback(to: outer)
    #expect(Material.appearance(of: model) == before)
    #expect(model.violatedInvariants() == [])
  }

  @Test(arguments: releases)
  func `the invariants hold after every step under the rules of every line`(
    release: KernelRelease
  ) throws {
    let rules = try #require(KernelRules.actual(release: release))
    for seed in 1...2 as ClosedRange<UInt64> {
      var model = MountModel(rules: rules)
      for step in try Self.steps(seed: seed, count: 500) {
        _ = model.perform(step.operation, by: step.actor)
        let violations = model.violatedInvariants()
        #expect(violations == [], "\(release), seed \(seed): \(step.operation)")
        if !violations.isEmpty { return }
      }
    }
  }

  @Test func `a full receiver refuses the mount everywhere and nothing is left behind`() {
    var model = MountModel(rules: .newest)
    _ = model.perform(.mount(MountCall(target: "/", flags: .shared)), by: 0)
    _ = model.perform(.mkdir("/d"), by: 0)
    _ = model.perform(.mkdir("/e"), by: 0)
    _ = model.perform(.unshare(namespace: 1, newUser: false), by: 0)
    _ = model.perform(.mount(MountCall(target: "/", flags: .slave)), by: 1)
    _ = model.perform(.mount(MountCall(type: "tmpfs", source: "own", target: "/e")), by: 1)
    // The slave's namespace holds the hidden root, the root and its own mount.
    model.mountLimit = 3
    let before = Material.appearance(of: model)
    let mountsBefore = model.mountCount
    let call = MountCall(type: "tmpfs", source: "t", target: "/d")
    #expect(model.perform(.mount(call), by: 0) == .noSpace)
    #expect(Material.appearance(of: model) == before)
    #expect(model.mountCount == mountsBefore)
    #expect(model.violatedInvariants() == [])
    model.mountLimit = 4
    #expect(model.perform(.mount(call), by: 0) == .none)
  }
}
