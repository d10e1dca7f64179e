import StormReclamation
import Testing

@Suite struct ExplorerTests {
  private func explore(
    _ design: Design, _ scenario: String, mounts: Int? = nil, relation: MountRelation = .separate,
    options: ExplorationOptions = ExplorationOptions()
  ) throws -> Exploration {
    let scenario = try Scenario(parsing: scenario, mountCount: mounts, relation: relation)
    return Explorer(ReleaseSystem(design: design, scenario: scenario), options: options).explore()
  }

  static let sabotages: [(Sabotage, String, String, Set<Finding>)] = [
    (.freeWithoutGracePeriod, "D4", "U,W", [.useAfterFree]),
    (.ignoreDoomed, "D4+D5", "U,W", [.doubleCleanup, .secondRunner]),
    (.blindGracePeriod, "D0", "U,W", [.earlyPut, .leak]),
    (.lenientBusyCheck, "D0", "U,F", [.aliveAtReturnReferenced]),
    (.strictBusyCheck, "D0", "U", [.busyTransient]),
    (.lostTail, "D0", "U", [.leak, .aliveAtReturn]),
    (.keepLockOnBusy, "D0", "U,F,L", [.deadlock]),
  ]

  @Test(arguments: sabotages)
  func `a design that is broken on purpose is caught, and only then`(
    sabotage: Sabotage, name: String, scenario: String, expected: Set<Finding>
  ) throws {
    let design = try #require(Design.named(name))
    let sound = try explore(design, scenario)
    var broken = design
    broken.sabotage = sabotage
    let result = try explore(broken, scenario)
    for finding in expected {
      #expect(sound.counterexamples[finding] == nil, "\(finding.tag) without the fault")
      #expect(result.counterexamples[finding] != nil, "\(finding.tag) with the fault")
    }
  }

  /// How each property is broken on purpose, and the scenario that must show it.
  static func broken(_ design: Design, against property: Property) -> (Design, String) {
    var design = design
    switch property {
    case .p1:
      design.sabotage = [.freeWithoutGracePeriod, .blindGracePeriod]
      if design.counts == .locked { design.counts = .atomic }
      return (design, "L,W")
    case .p2, .p12:
      design.sabotage = [.ignoreDoomed, .blindGracePeriod]
      if design.counts == .locked { design.counts = .atomic }
      return (design, "L,W")
    case .p3:
      design.sabotage = .lenientBusyCheck
      return (design, "U,F")
    case .p4:
      design.sabotage = .strictBusyCheck
      return (design, "U")
    case .p5:
      design.waitLazy = .callRcu
      return (design, "L")
    case .p6:
      design.sabotage = .keepLockOnBusy
      return (design, "U,F,L")
    case .p7, .p8:
      design.sabotage = .lostTail
      return (design, "L")
    case .p8w:
      design.sabotage = .lostTail
      return (design, "L,W")
    case .p9:
      design.sabotage = .blindGracePeriod
      if design.counts == .locked { design.counts = .atomic }
      return (design, "L,W")
    case .p10:
      design.waitSync = .wait
      return (design, "U")
    case .p11:
      design.tail = .wqNoWait
      return (design, "L")
    }
  }

  @Test(arguments: Design.catalogue.map(\.name))
  func `whatever property a design keeps, breaking it on purpose is caught`(name: String) throws {
    let design = try #require(Design.named(name))
    for property in Property.allCases {
      let (broken, text) = Self.broken(design, against: property)
      let scenario = try Scenario(parsing: text)
      func verdict(_ design: Design) -> CellVerdict? {
        DesignVerdict(of: design, experiments: [.release(design, scenario)])[property]?.verdict
      }
      guard verdict(design) == .holds else { continue }
      guard case .violated = verdict(broken) else {
        Issue.record("\(name): \(property) broken on purpose is not caught in \(text)")
        continue
      }
    }
  }

  @Test(arguments: ["U,2W", "L,3W", "L,2F,W", "U,2W@0,2F@1"])
  func `symmetry merges states and changes no verdict`(scenario: String) throws {
    for design in Design.catalogue where design.counts == .atomic {
      var plain = ExplorationOptions()
      plain.symmetry = false
      let full = try explore(design, scenario, options: plain)
      let merged = try explore(design, scenario)
      #expect(merged.stateCount < full.stateCount)
      #expect(
        merged.counterexamples.mapValues(\.length) == full.counterexamples.mapValues(\.length),
        "\(design.name)")
    }
  }

  @Test(arguments: [
    "U", "L", "X", "U,W", "L,W", "L,F", "U,L", "L,F,W", "U,W,L@1", "U,F@1,L@1", "X,W,F@1",
  ])
  func `partial-order reduction finds the same violations in no more states`(scenario: String)
    throws
  {
    var reduced = ExplorationOptions()
    reduced.partialOrderReduction = true
    for design in Design.catalogue {
      let full = try explore(design, scenario)
      let some = try explore(design, scenario, options: reduced)
      #expect(
        Set(some.counterexamples.keys) == Set(full.counterexamples.keys),
        "\(design.name) \(scenario)")
      #expect(some.stateCount <= full.stateCount)
    }
  }

  @Test func `partial-order reduction saves states where actors have little in common`() throws {
    var reduced = ExplorationOptions()
    reduced.partialOrderReduction = true
    let full = try explore(.mainline, "L,W,L@1")
    let some = try explore(.mainline, "L,W,L@1", options: reduced)
    #expect(some.stateCount * 10 < full.stateCount * 9, "\(some.stateCount) of \(full.stateCount)")
  }

  @Test func `a search that runs out of memory says so and claims nothing`() throws {
    var options = ExplorationOptions()
    options.maximumBytes = 1 << 20
    let result = try explore(.mainline, "U,3W,F,L@1", options: options)
    #expect(result.stopped == .memory(1 << 20))
    #expect(result.storedBytes <= 1 << 20)
  }

  @Test func `a stored state takes less than a hundred bytes`() throws {
    let measured = try ExplorerBenchmark.measure(design: "D0", scenario: "U,W,F,L@1,W@1")
    #expect(measured.complete)
    #expect(measured.stateCount > 100_000)
    #expect(measured.bytesPerState < 100)
  }

  @Test func `four actors on two mounts are explored in full without reductions`() throws {
    for scenario in ExplorerBenchmark.fourActorScenarios {
      let measured = try ExplorerBenchmark.measure(design: "D0", scenario: scenario)
      #expect(measured.complete)
      #expect(measured.stateCount > 5_000)
    }
  }

  @Test func `two umounts of one superblock leave it dead when the later one returns`() throws {
    let result = try explore(.mainline, "U,U@1", mounts: 2, relation: .sameSuperblock)
    #expect(result.counterexamples[.aliveAtReturn] == nil)
    #expect(result.counterexamples[.aliveAtReturnReferenced] == nil)
    #expect(result.counterexamples[.leak] == nil)
  }

  @Test func `a pinned child is released with its parent in both ways of keeping children`() throws
  {
    for name in ["D0", "D0-6.12"] {
      let design = try #require(Design.named(name))
      let result = try explore(design, "L,F@1", mounts: 2, relation: .tree)
      #expect(result.counterexamples[.leak] == nil)
      #expect(result.counterexamples[.deadlock] == nil)
      #expect(result.counterexamples[.useAfterFree] == nil)
    }
  }

  @Test func `a propagated copy keeps umount busy while it is used`() throws {
    let used = try explore(.mainline, "U,F@1", mounts: 2, relation: .copies)
    #expect(used.counterexamples[.busyTransient] == nil)
    #expect(used.counterexamples[.aliveAtReturn] == nil)
  }

  @Test func `the repaired global worker leaks nothing and the naive one does`() throws {
    let repaired = try #require(Design.named("D3"))
    let naive = try #require(Design.named("D3-naive"))
    #expect(try explore(repaired, "L,L@1,L@2").counterexamples[.leak] == nil)
    #expect(try explore(naive, "L,L@1,L@2").counterexamples[.leak] != nil)
  }

  @Test func `an opt-in flag keeps idle lazy umounts synchronous and defers only flagged ones`()
    throws
  {
    let design = try #require(Design.named("D6"))
    #expect(try explore(design, "L").counterexamples[.lateDeath] == nil)
    #expect(try explore(design, "LA").counterexamples[.openQueue] != nil)
    #expect(try explore(design, "LA").counterexamples[.paysGracePeriodLazy] == nil)
  }

  @Test func `an actor letter that is not known is refused with the allowed ones`() {
    #expect {
      try Scenario(parsing: "U,Q")
    } throws: { error in
      "\(error)".contains("'Q'") && "\(error)".contains("MNT_DETACH")
    }
  }
}
