import StormReclamation
import Testing

@Suite struct VerdictTests {
  /// The cells of the verdict matrix that were machine-checked elsewhere; nil where the property holds.
  static let cells: [(String, Property, Int?)] = [
    ("D0", .p1, nil), ("D0", .p2, nil), ("D0", .p3, nil), ("D0", .p4, 8), ("D0", .p6, nil),
    ("D0", .p7, nil), ("D0", .p8, nil), ("D0", .p8w, 21), ("D0", .p9, nil), ("D0", .p11, nil),
    // D0b: 20 with U,W; a lookup with references is one step, so that U,L and U,R show it sooner.
    ("D0a", .p3, 21), ("D0a", .p8w, 21), ("D0b", .p3, 16), ("D0b", .p8w, 22),
    ("D1a", .p3, nil), ("D1a", .p5, 13), ("D1a", .p6, 11), ("D1a", .p7, nil), ("D1a", .p8, 10),
    ("D1a", .p9, nil), ("D1b", .p3, nil), ("D1b", .p7, 16), ("D1b", .p8, nil), ("D1b", .p8w, 17),
    ("D1b", .p9, 8), ("D2", .p3, nil), ("D2", .p7, nil), ("D2", .p8, 10), ("D2", .p9, nil),
    ("D2+", .p3, 10), ("D2+", .p10, nil), ("D3-naive", .p7, 15), ("D3", .p7, nil),
    ("D3", .p9, nil), ("D3-locked", .p9, 11), ("D4", .p3, 17), ("D4", .p8, nil),
    ("D4", .p8w, 17), ("D4", .p9, 8), ("D4", .p10, nil), ("D4", .p11, nil),
    ("D4+D5", .p3, 17), ("D5", .p3, 21), ("D5", .p7, nil), ("D6", .p8, nil),
    ("D7w", .p3, nil), ("D7w", .p6, 3), ("D7w", .p8w, 21), ("D7n", .p3, 14), ("D7n", .p8, 14),
    ("D9-single", .p3, 6), ("D9-locked", .p3, nil), ("D9-locked", .p4, nil),
    ("D9-split", .p3, nil), ("D10-inline", .p6, 3), ("D10-inline", .p8w, 21),
    ("D16", .p1, nil), ("D16", .p2, nil), ("D16", .p3, nil),
  ]

  /// Each design is explored once for all its cells.
  private static let verdicts: [String: DesignVerdict] = Dictionary(
    uniqueKeysWithValues: Design.catalogue.map { ($0.name, DesignVerdict(of: $0)) })

  @Test(arguments: cells)
  func `a cell of the matrix is what an independent check says`(
    name: String, property: Property, steps: Int?
  ) throws {
    let verdict = try #require(Self.verdicts[name])
    let expected: CellVerdict = steps.map { .violated(steps: $0) } ?? .holds
    #expect(verdict[property]?.verdict == expected)
  }

  @Test func `every violated cell of every design replays to its violation`() throws {
    for design in Design.catalogue {
      for cell in try #require(Self.verdicts[design.name]).cells {
        for evidence in cell.evidence {
          let trace = try evidence.experiment.trace(evidence.example)
          #expect(trace.shows(evidence.example.finding), "\(design.name) \(cell.property)")
          #expect(trace.steps.count == evidence.example.length)
        }
      }
    }
  }

  @Test func `a search cut short leaves unknown and never holds`() throws {
    var options = ExplorationOptions()
    options.maximumStates = 50
    let verdict = DesignVerdict(of: .mainline, options: options)
    #expect(verdict.cells.allSatisfy { $0.verdict != .holds })
    guard case .unknown(let reason) = verdict[.p7]?.verdict else {
      Issue.record("P7 is not unknown")
      return
    }
    #expect(reason.contains("50 states"))
  }

  @Test func `the evidence of every claim comes out as its verdict says`() throws {
    for claim in Claim.all {
      let supported = try claim.isSupported { design, scenario in
        if let scenario {
          return DesignVerdict(of: design, experiments: [.release(design, scenario)])
        }
        return try #require(Self.verdicts[design.name])
      }
      let asks = claim.evidence.contains { if case .property = $0 { true } else { false } }
      #expect(supported == (asks ? true : nil), "\(claim.id)")
    }
    #expect(Claim.all.count == 68)
    #expect(Set(Claim.all.map(\.id)).count == Claim.all.count)
  }

  @Test func `flush_filesystem ends only if mounting is shut off and nothing pins`() {
    for verdict in FlushVerdict.all {
      #expect(verdict.mayNeverEnd == !verdict.closesFirst)
      #expect(verdict.deadlocks == (verdict.pinned && verdict.closesFirst))
    }
  }

  @Test func `a design field or value that is not known is refused with the allowed ones`() throws {
    var design = Design.mainline
    try design.set("waitLazy", to: "rcuWork")
    #expect(design.waitLazy == .rcuWork)
    #expect {
      try design.set("waitLazy", to: "soon")
    } throws: {
      "\($0)".contains("'soon'") && "\($0)".contains("rcuWork") && "\($0)".contains("globalList")
    }
    #expect {
      try design.set("waitlazy", to: "wait")
    } throws: {
      "\($0)".contains("waitLazy")
    }
  }

  @Test func `a trace shows the actors in columns and the shared state beside them`() throws {
    let experiment = Experiment.release(
      try #require(Design.named("D4")), try Scenario(parsing: "U,W"))
    let example = try #require(experiment.explore().counterexamples[.leak])
    let trace = try experiment.trace(example)
    let text = trace.columns()
    #expect(text.contains("drops its reference"))
    #expect(text.contains("readers: W"))
    #expect(text.contains("nothing can follow:  <-- LEAK"))
    let svg = trace.sequenceDiagram(title: "D4 & <U,W>")
    #expect(svg.contains("D4 &amp; &lt;U,W&gt;"))
    #expect(svg.contains("LEAK"))
  }
}
