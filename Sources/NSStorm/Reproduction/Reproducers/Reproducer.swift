import StormEngine
public import StormTrace
public import StormVerdict
import StormVocabulary

/// A program that shows a trace's divergence: of one call made alone, or of calls that raced.
public enum Reproducer: Sendable {
  case sequence(ReproducerCase)
  case race(RaceCase)

  /// Reads a trace up to the symptom. Needs no root.
  ///
  /// - Parameters:
  ///   - symptom: nil for the first divergence of the trace that nothing explains, else its first known issue.
  ///   - options: under which rules the trace is judged.
  public init(
    path: String, symptom wanted: Symptom? = nil, options: TraceCheck.Options = .init()
  ) throws(ReproducerError) {
    let verdict = TraceCheck(path: path, options: options).run()
    if let failure = verdict.failure { throw .trace(failure) }
    if let window = verdict.divergentWindow, let release = verdict.release,
      let rules = KernelRules(release: release),
      wanted?.matches(window.divergence)
        ?? (verdict.unexplainedDivergences.first?.step ?? verdict.divergences.first?.step
          == window.divergence.step)
    {
      self = .race(
        try RaceCase(
          path: path, window: window, symptom: wanted ?? Symptom(window.divergence), rules: rules,
          kernel: verdict.kernel ?? "", brokenRule: options.mutation))
    } else {
      self = .sequence(
        try ReproducerCase(path: path, symptom: wanted, verdict: verdict, options: options))
    }
  }

  public var symptom: Symptom {
    switch self {
    case .sequence(let source): source.symptom
    case .race(let source): source.symptom
    }
  }

  /// Whether calls race, so that the program needs many rounds.
  public var races: Bool {
    if case .race = self { true } else { false }
  }

  /// The program in one of the languages.
  ///
  /// - Throws: ``ReproducerError/cannotSay(format:what:)``.
  public func text(_ format: ReproducerFormat) throws(ReproducerError) -> String {
    switch (self, format) {
    case (.sequence(let source), _): return try source.text(format)
    case (.race(let source), .c): return try source.cProgram()
    case (.race, .kselftest):
      throw .cannotSay(
        format: format, what: "a race, which takes as many rounds as it needs and no fixed verdict,"
      )
    case (.race, .shell):
      throw .cannotSay(
        format: format, what: "a race, whose calls must begin within a microsecond,")
    case (.race, .scenario):
      throw .cannotSay(format: format, what: "a race, whose steps have no order,")
    }
  }
}
