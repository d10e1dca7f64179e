import StormReclamation

/// What `nsstorm explore` prints, as text and as JSON.
enum ExploreReport {
  enum Word: String, Encodable {
    case holds
    case violated
    case unknown
  }

  struct Cell: Encodable {
    var property: String
    var verdict: Word
    var steps: Int?
    var reason: String?
    var findings: [String: Int]
    var experiment: String?
  }

  struct Row: Encodable {
    var design: String
    var summary: String
    var states: Int
    var choices: [String: String]
    var cells: [Cell]

    init(_ verdict: DesignVerdict) {
      design = verdict.design.name
      summary = verdict.design.summary
      states = verdict.stateCount
      choices = Dictionary(
        uniqueKeysWithValues: verdict.design.choices.map { ($0.name, $0.value) })
      cells = verdict.cells.map { cell in
        let findings = Dictionary(
          uniqueKeysWithValues: cell.evidence.map {
            ($0.example.finding.tag, $0.example.length)
          })
        let (word, steps, reason): (Word, Int?, String?) =
          switch cell.verdict {
          case .holds: (.holds, nil, nil)
          case .violated(let steps): (.violated, steps, nil)
          case .unknown(let reason): (.unknown, nil, reason)
          }
        return Cell(
          property: cell.property.rawValue, verdict: word, steps: steps, reason: reason,
          findings: findings, experiment: cell.evidence.first?.experiment.name)
      }
    }
  }

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Design by property: `+` holds, `x n` violated in n steps, `?` unknown.
  static func matrix(_ rows: [Row]) -> String {
    let nameWidth = (rows.map(\.design.count).max() ?? 6) + 2
    var lines = [
      pad("design", nameWidth) + Property.allCases.map { pad($0.rawValue, 6) }.joined()
    ]
    for row in rows {
      let cells = row.cells.map { cell in
        switch cell.verdict {
        case .holds: "+"
        case .violated: "x \(cell.steps ?? 0)"
        case .unknown: "?"
        }
      }
      let line = pad(row.design, nameWidth) + cells.map { pad($0, 6) }.joined()
      lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
    }
    lines.append("")
    lines.append(
      "+ holds, x n violated by a shortest trace of n steps, ? unknown (a limit was met)")
    for row in rows {
      for cell in row.cells where cell.verdict == .unknown {
        lines.append("? \(row.design) \(cell.property): \(cell.reason ?? "")")
      }
    }
    lines.append("nsstorm explore <design> --property <property> prints the trace")
    return lines.joined(separator: "\n")
  }

  struct ScenarioRow: Encodable {
    var design: String
    var scenario: String
    var states: Int
    var transitions: Int
    var depth: Int
    var stopped: String?
    var findings: [String: Int]
    var seconds: Double

    init(_ design: Design, _ experiment: Experiment, _ result: Exploration) {
      self.design = design.name
      scenario = experiment.name
      states = result.stateCount
      transitions = result.transitionCount
      depth = result.depth
      stopped = result.stopped?.description
      findings = Dictionary(
        uniqueKeysWithValues: result.counterexamples.map { ($0.key.tag, $0.value.length) })
      let (whole, part) = result.duration.components
      seconds = Double(whole) + Double(part) / 1e18
    }

    var text: String {
      var lines = [
        "\(design) \(scenario): \(states) states, \(transitions) transitions, depth \(depth)"
      ]
      for finding in Finding.allCases {
        if let length = findings[finding.tag] {
          lines.append("  \(ExploreReport.pad(finding.tag, 28)) in \(length) steps")
        }
      }
      if findings.isEmpty { lines.append("  nothing found") }
      if let stopped {
        lines.append("  unknown beyond that: the search met its \(stopped)")
      }
      return lines.joined(separator: "\n")
    }
  }

  struct TraceReport: Encodable {
    struct Step: Encodable {
      var actor: String
      var text: String
      var shared: String
      var findings: [String]
    }

    var design: String
    var property: String
    var verdict: Word
    var reason: String?
    var finding: String?
    var experiment: String?
    var steps: [Step]
    var text: String

    private enum CodingKeys: String, CodingKey {
      case design, property, verdict, reason, finding, experiment, steps
    }

    init(_ design: Design, _ cell: DesignVerdict.Cell) throws {
      self.design = design.name
      property = cell.property.rawValue
      let title = "\(design.name) \(cell.property.rawValue) (\(cell.property.statement))"
      steps = []
      switch cell.verdict {
      case .holds:
        verdict = .holds
        text = "\(title): holds"
      case .unknown(let why):
        verdict = .unknown
        reason = why
        text = "\(title): unknown, \(why)"
      case .violated(let count):
        verdict = .violated
        guard let evidence = cell.evidence.first else {
          text = title
          return
        }
        let trace = try evidence.experiment.trace(evidence.example)
        finding = evidence.example.finding.tag
        experiment = evidence.experiment.name
        steps = trace.steps.map { step in
          Step(
            actor: trace.lanes[step.lane], text: step.text, shared: step.shared,
            findings: Finding.allCases.filter { step.findings.contains($0) }.map(\.tag))
        }
        text =
          "\(title): violated in \(count) steps by \(evidence.experiment.name), "
          + "\(evidence.example.finding.tag)\n\n\(trace.columns())\n"
      }
    }
  }

  struct ClaimRow: Encodable {
    var id: String
    var author: String
    var statement: String
    var verdict: String
    var reason: String
    /// Whether this run's explorations agree; nil where exploration does not decide.
    var supported: Bool?
    var commands: [String]

    init(_ claim: Claim, verdicts: inout [String: DesignVerdict], options: ExplorationOptions)
      throws
    {
      id = claim.id
      author = claim.author
      statement = claim.statement
      verdict = claim.verdict.rawValue
      reason = claim.reason
      supported = try claim.isSupported { design, scenario in
        let key = "\(design.name) \(scenario?.text ?? "")"
        if let known = verdicts[key] { return known }
        let experiments = scenario.map { [Experiment.release(design, $0)] }
        let verdict = DesignVerdict(of: design, experiments: experiments, options: options)
        verdicts[key] = verdict
        return verdict
      }
      commands = claim.commands
    }

    var text: String {
      let check =
        switch supported {
        case true: "checked"
        case false: "NOT CONFIRMED BY THIS RUN"
        default: commands.isEmpty ? "documentary only" : "by command"
        }
      var lines = [
        "\(ExploreReport.pad(id, 6)) \(ExploreReport.pad(verdict, 11)) \(author): \(statement)",
        "       \(reason) [\(check)]",
      ]
      lines += commands.map { "       $ \($0)" }
      return lines.joined(separator: "\n")
    }
  }

  struct ExpiryRow: Encodable {
    var rule: String
    var takenAfterUseSteps: Int?
    var neverExpires: Bool

    init(_ verdict: ExpiryVerdict) {
      rule = verdict.rule.rawValue
      takenAfterUseSteps = verdict.takenAfterUse
      neverExpires = verdict.neverExpires
    }

    var text: String {
      let use =
        takenAfterUseSteps.map { "takes a mount that was used, in \($0) steps" }
        ?? "a use between the calls saves the mount"
      let idle =
        neverExpires ? "an unused one never expires" : "the second call takes an unused one"
      return "\(ExploreReport.pad(rule, 18)) \(use); \(idle)"
    }
  }

  struct FlushRow: Encodable {
    var closesFirst: Bool
    var pinned: Bool
    var deadlocks: Bool
    var mayNeverEnd: Bool

    init(_ verdict: FlushVerdict) {
      closesFirst = verdict.closesFirst
      pinned = verdict.pinned
      deadlocks = verdict.deadlocks
      mayNeverEnd = verdict.mayNeverEnd
    }

    var text: String {
      let setting =
        (closesFirst ? "mounting shut off first" : "mounting goes on")
        + (pinned ? ", pinned" : ", no pin")
      let result =
        deadlocks ? "stops for good" : mayNeverEnd ? "may go on for ever" : "always ends"
      return "\(ExploreReport.pad(setting, 34)) \(result)"
    }
  }
}
