import StormKernel
import StormVocabulary

extension StormRunner {
  /// Runs programs at once until they are over, or until somebody wants the end of the run.
  ///
  /// - Returns: what they did, and whether they were stopped; nil where the kernel failed one of them, which is a fault
  ///   of the run by then.
  func runAtOnce(
    _ programs: [WorkerProgram], control: inout some RunControl
  ) throws(SandboxError) -> (outcome: BatchOutcome, isStopped: Bool)? {
    // The control is asked by the sandbox while the programs run.
    var asked = control
    var isStopped = false
    let outcome = try sandbox.run(programs) {
      if !isStopped { isStopped = asked.wantsEnd() }
      return isStopped
    }
    control = asked
    for hang in outcome.hangs { _ = fault(.hang(hang)) }
    for death in outcome.deaths { _ = fault(.death(death)) }
    guard outcome.hangs.isEmpty, outcome.deaths.isEmpty else { return nil }
    summary.times.kernelNanoseconds += outcome.endNanoseconds - outcome.startNanoseconds
    return (outcome, isStopped)
  }
}
