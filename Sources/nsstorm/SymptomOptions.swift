import ArgumentParser
import StormEngine
import StormReproduction
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

/// What `replay`, `shrink` and `repro` look for, and under which rules.
struct SymptomOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Look for this symptom: `CALL: DIFFERENCE [RULE]` as a divergence's signature says it, known:ID, or `release FILESYSTEM/WAY: WHAT`. By default the first divergence of the recording that nothing explains.",
      valueName: "text"))
  var symptom: String?

  @Option(help: ArgumentHelp("Look for this known issue of the kernel.", valueName: "id"))
  var known: String?

  @Option(help: "Predict for this kernel release instead of the running one.")
  var rules: KernelRelease?

  @Option(help: ArgumentHelp("Break a rule of the engine on purpose.", visibility: .hidden))
  var breakRule: String?

  func validate() throws {
    if symptom != nil, known != nil {
      throw ValidationError("--symptom and --known exclude each other")
    }
    _ = try wanted()
    _ = try brokenRule()
  }

  /// The symptom that was named on the command line.
  func wanted() throws -> Symptom? {
    do throws(SymptomProblem) {
      if let known { return try Symptom("known:" + known) }
      return try symptom.map { (text) throws(SymptomProblem) in try Symptom(text) }
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// Debug builds can show that a wrong rule is found; others would only pretend to.
  func brokenRule() throws -> Mutation? { try Mutation.ofOption(breakRule) }

  /// How calls are judged on the running kernel.
  func settings() throws -> SequenceRun.Settings {
    let release = try rules ?? PredictedKernel.release()
    var settings = SequenceRun.Settings(
      release: release, rules: try PredictedKernel.rules(for: release))
    settings.brokenRule = try brokenRule()
    return settings
  }

  /// The symptom that was named, else the one that the recording shows.
  func symptom(of path: String) throws -> Symptom? {
    if let wanted = try wanted() { return wanted }
    var options = TraceCheck.Options()
    options.release = rules
    options.mutation = try brokenRule()
    do throws(TraceError) {
      return try Symptom.recorded(in: path, options: options)
    } catch {
      throw CommandFailure(status: .badInput, message: error.description)
    }
  }

  /// The options that lead to the same judgement again, for printed commands.
  var words: [String] {
    var words: [String] = []
    if let rules { words += ["--rules", "\(rules)"] }
    if let breakRule { words += ["--break-rule", breakRule] }
    return words
  }
}

extension Mutation {
  /// The rule that `--break-rule` names.
  static func ofOption(_ name: String?) throws -> Mutation? {
    guard let name else { return nil }
    #if DEBUG
      guard let mutation = Mutation(rawValue: name) else {
        let known = Mutation.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--break-rule is '\(name)'; allowed: \(known)")
      }
      return mutation
    #else
      throw ValidationError("--break-rule needs a debug build (swift build)")
    #endif
  }
}

/// The calls of a trace, with a message for what cannot be replayed.
func readSequence(_ path: String) throws -> RecordedSequence {
  do throws(TraceError) { return try RecordedSequence(path: path) } catch {
    throw CommandFailure(status: .badInput, message: error.description)
  }
}
